package plan

import "slices"

// Queue hands out the sessions of a plan, each when those that it waits for have
// ended. The run and the reckoning of its time both go by it.
type Queue struct {
	sessions []Session
	begun    []bool
	ended    []bool
}

// NewQueue is a queue of which nothing has begun.
func NewQueue(sessions []Session) *Queue {
	return &Queue{sessions: sessions, begun: make([]bool, len(sessions)), ended: make([]bool, len(sessions))}
}

// Next begins the first session that may; it is -1 where none may now.
func (q *Queue) Next() int {
	for i, s := range q.sessions {
		if !q.begun[i] && !slices.ContainsFunc(s.After, func(before int) bool { return !q.ended[before] }) {
			q.begun[i] = true
			return i
		}
	}
	return -1
}

// End notes that a session has ended.
func (q *Queue) End(i int) { q.ended[i] = true }

// Left are the sessions that have not begun.
func (q *Queue) Left() []Session {
	var left []Session
	for i, s := range q.sessions {
		if !q.begun[i] {
			left = append(left, s)
		}
	}
	return left
}

package bulk

// queue is the receivers that wait for their turn. Those of one platform wait for
// one another, and hold up nobody else: the platforms take turns.
type queue struct {
	most      int // receivers of one platform at once
	platforms map[string]*platform
	ready     []*platform // those with a receiver that may begin, each once
	waiting   int
	running   int
}

// platform is there while any receiver of it waits or runs.
type platform struct {
	waiting []*entry
	running int
	ready   bool
}

func newQueue(most int) queue { return queue{most: most, platforms: map[string]*platform{}} }

// push puts a receiver at the end of its platform's line.
func (q *queue) push(e *entry) {
	p := q.platforms[e.receiver.Platform]
	if p == nil {
		p = &platform{}
		q.platforms[e.receiver.Platform] = p
	}
	p.waiting = append(p.waiting, e)
	q.waiting++
	q.line(p)
}

// line puts a platform at the end of the line where it has a receiver that may
// begin.
func (q *queue) line(p *platform) {
	if !p.ready && len(p.waiting) > 0 && p.running < q.most {
		p.ready = true
		q.ready = append(q.ready, p)
	}
}

// next takes the receiver whose turn it is; nil: none may begin.
func (q *queue) next() *entry {
	if len(q.ready) == 0 {
		return nil
	}
	p := q.ready[0]
	q.ready = q.ready[1:]
	p.ready = false
	e := p.waiting[0]
	p.waiting = p.waiting[1:]
	p.running++
	q.running++
	q.waiting--
	q.line(p)
	return e
}

// leave is called when a receiver of the platform has ended.
func (q *queue) leave(name string) {
	p := q.platforms[name]
	p.running--
	q.running--
	q.line(p)
	if p.running == 0 && len(p.waiting) == 0 {
		delete(q.platforms, name)
	}
}

// drop forgets those that wait.
func (q *queue) drop() {
	for _, p := range q.platforms {
		p.waiting, p.ready = nil, false
	}
	q.ready, q.waiting = nil, 0
}

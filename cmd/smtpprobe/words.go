package main

import (
	"errors"
	"strings"
)

// words is a list by commas, as the value of a flag; given several times it
// grows. An empty word is an unset variable in somebody's script rather than a
// wish for everything, so it is refused.
type words []string

func (w *words) Set(text string) error {
	for word := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(word) == "" {
			return errors.New("an empty word")
		}
		*w = append(*w, strings.TrimSpace(word))
	}
	return nil
}

func (w *words) String() string { return strings.Join(*w, ",") }

func (w *words) Type() string { return "words" }

// GetSlice tells the library that the flag may be given again.
func (w *words) GetSlice() []string { return *w }

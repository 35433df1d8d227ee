package report

import (
	"fmt"
	"regexp"
)

// plainWord matches what the schema uses as a word, such as "B0 again", also one
// of another version. A report may be anybody's, and words are shown as they stand.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._/+-]{0,99}$`)

// plain refuses a receiver with a word that is none. An empty one says nothing.
func (r receiver) plain() error {
	words := [][2]string{{"status", string(r.Status)}}
	for _, round := range r.Runs {
		words = append(words, [2]string{"status of a run", string(round.Status)})
	}
	for _, c := range r.Controls {
		words = append(words, [2]string{"control", c.ID})
	}
	for _, res := range r.Results {
		words = append(words, [2]string{"check", res.Check}, [2]string{"group", string(res.Group)},
			[2]string{"verdict", res.Word}, [2]string{"conformance", string(res.Conformance)})
		if res.Agree == nil {
			continue
		}
		words = append(words, [2]string{"kind", string(res.Agree.Kind)})
		for _, a := range res.Agree.Answers {
			words = append(words, [2]string{"verdict", a.Verdict})
		}
	}
	for _, w := range words {
		if w[1] != "" && !plainWord.MatchString(w[1]) {
			return fmt.Errorf("%s %q: want a word of letters, digits and hyphens", w[0], w[1])
		}
	}
	return nil
}

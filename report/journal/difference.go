package journal

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func sortedKeys(was, is map[string]string) []string {
	all := maps.Clone(was)
	maps.Copy(all, is)
	return slices.Sorted(maps.Keys(all))
}

// long is a value that nobody compares by eye.
const long = 60

// difference says how one value changed; of long lists what came and went.
func difference(key, was, is string) string {
	if len(was) <= long && len(is) <= long {
		return fmt.Sprintf("%s was %q and is %q", key, was, is)
	}
	var parts []string
	if gone := without(was, is); gone != "" {
		parts = append(parts, "no longer "+gone)
	}
	if more := without(is, was); more != "" {
		parts = append(parts, "now also "+more)
	}
	if len(parts) == 0 {
		parts = []string{"another order"}
	}
	return key + ": " + strings.Join(parts, ", ")
}

// without are the words of a list that another one has not, a few of them.
func without(list, other string) string {
	const most = 3
	has := strings.Split(other, ",")
	words := slices.DeleteFunc(strings.Split(list, ","), func(w string) bool { return w == "" || slices.Contains(has, w) })
	if more := len(words) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(words[:most], ", "), more)
	}
	return strings.Join(words, ", ")
}

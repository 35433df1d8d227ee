package smtp

import "strings"

// Codes is a set of reply codes as RFC 5321 4.2.1 writes them, by commas:
// "503,554", or "2yz" for a whole class. The empty set holds no code.
type Codes string

// Has reports whether the code is in the set.
func (c Codes) Has(code int) bool {
	for pattern := range strings.SplitSeq(string(c), ",") {
		if matches(pattern, code) {
			return true
		}
	}
	return false
}

func matches(pattern string, code int) bool {
	if len(pattern) != 3 || code < 100 || code > 999 {
		return false
	}
	digits := [3]byte{byte('0' + code/100), byte('0' + code/10%10), byte('0' + code%10)}
	for i := range 3 {
		if pattern[i] != digits[i] && pattern[i] != 'y' && pattern[i] != 'z' {
			return false
		}
	}
	return true
}

// Valid reports whether every code of the set is well formed and there is at
// least one.
func (c Codes) Valid() bool {
	for pattern := range strings.SplitSeq(string(c), ",") {
		if len(pattern) != 3 || pattern[0] < '2' || pattern[0] > '5' {
			return false
		}
		if tail := pattern[1:]; tail != "yz" && strings.Trim(tail, "0123456789") != "" {
			return false
		}
	}
	return true
}

// String shows the codes as a person would list them: "503 or 554".
func (c Codes) String() string {
	parts := strings.Split(string(c), ",")
	if len(parts) < 2 {
		return string(c)
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], ", ") + " or " + parts[last]
}

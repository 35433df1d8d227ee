package oracle

import (
	"slices"
	"strconv"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// offersParameter reports whether the last EHLO reply offers the extension that
// the parameter of MAIL or RCPT belongs to.
func (s Session) offersParameter(verb string, p smtp.Parameter) bool {
	offers := s.Offered.Has
	switch verb + " " + p.Keyword {
	case "MAIL SIZE", "MAIL SMTPUTF8", "MAIL AUTH", "MAIL MT-PRIORITY":
		return offers(p.Keyword)
	case "MAIL BODY":
		// BINARYMIME works only together with CHUNKING (RFC 3030 section 3).
		binary := offers("BINARYMIME") && offers("CHUNKING")
		return binary || offers("8BITMIME") && !strings.EqualFold(p.Value, "BINARYMIME")
	case "MAIL RET", "MAIL ENVID", "RCPT NOTIFY", "RCPT ORCPT":
		return offers("DSN")
	case "MAIL REQUIRETLS":
		return offers(p.Keyword) && s.TLS // RFC 8689 section 2
	case "MAIL BY":
		return offers("DELIVERBY")
	case "MAIL HOLDFOR", "MAIL HOLDUNTIL":
		return offers("FUTURERELEASE")
	}
	return false
}

// badValue reports a value that the parameter's own RFC does not allow. Values
// of parameters that are not named here are not looked at.
func badValue(p smtp.Parameter) bool {
	in := func(values ...string) bool {
		return slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, p.Value) })
	}
	switch p.Keyword {
	case "SIZE": // RFC 1870 section 3: at most 20 digits
		return p.Value == "" || len(p.Value) > 20 || strings.Trim(p.Value, "0123456789") != ""
	case "BODY":
		return !in("7BIT", "8BITMIME", "BINARYMIME")
	case "RET": // RFC 3461 section 4.3
		return !in("FULL", "HDRS")
	case "ENVID": // RFC 3461 section 4.4
		return p.Value == "" || len(p.Value) > 100
	case "NOTIFY": // RFC 3461 section 4.1
		return !in("NEVER") && !reasons(p.Value)
	case "ORCPT": // RFC 3461 section 4.2
		kind, address, found := strings.Cut(p.Value, ";")
		return !found || kind == "" || address == ""
	case "SMTPUTF8", "REQUIRETLS":
		return p.HasValue
	}
	return false
}

// reasons reports a list of the reasons for which NOTIFY can ask.
func reasons(list string) bool {
	for word := range strings.SplitSeq(strings.ToUpper(list), ",") {
		if word != "SUCCESS" && word != "FAILURE" && word != "DELAY" {
			return false
		}
	}
	return true
}

// repeated reports a parameter given twice.
func repeated(parameters []smtp.Parameter) bool {
	for i, p := range parameters {
		if slices.ContainsFunc(parameters[:i], func(earlier smtp.Parameter) bool { return earlier.Keyword == p.Keyword }) {
			return true
		}
	}
	return false
}

// tooLarge reports a declared size above the advertised maximum. No maximum, or
// 0, is no limit (RFC 1870 section 4).
func (s Session) tooLarge(parameters []smtp.Parameter) bool {
	params := s.Offered.Params("SIZE")
	if len(params) == 0 {
		return false
	}
	limit, err := strconv.ParseUint(params[0], 10, 64)
	if err != nil || limit == 0 {
		return false
	}
	return slices.ContainsFunc(parameters, func(p smtp.Parameter) bool {
		if p.Keyword != "SIZE" {
			return false
		}
		// Twenty digits that do not fit are above any maximum that does.
		size, err := strconv.ParseUint(p.Value, 10, 64)
		return err != nil || size > limit
	})
}

func hasParameter(_ Session, l line) bool { return len(l.command.Parameters) > 0 }

func binaryMIME(parameters []smtp.Parameter) bool {
	return slices.ContainsFunc(parameters, func(p smtp.Parameter) bool {
		return p.Keyword == "BODY" && strings.EqualFold(p.Value, "BINARYMIME")
	})
}

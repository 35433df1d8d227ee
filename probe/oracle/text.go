package oracle

import "strconv"

// reply writes the reference's reply: its lines without their line ends.
func (s Session) reply(row Row, next Session) []string {
	if row.code == 0 {
		return nil
	}
	code := strconv.Itoa(row.code)
	switch {
	case s.State == StateConnected && row.code == 220:
		return []string{code + " " + s.Host + " ESMTP"}
	case row.code == 250 && next.State == StateHELO && row.enhanced == "":
		return []string{code + " " + s.Host}
	case row.code == 250 && next.State == StateEHLO && row.enhanced == "":
		return multiline(code, append([]string{s.Host}, next.Offered...))
	case row.enhanced == "":
		return []string{code + " " + text(code)}
	}
	return []string{code + " " + row.enhanced + " " + text(code+" "+row.enhanced)}
}

// multiline puts the code before each line (RFC 5321 section 4.2.1).
func multiline(code string, lines []string) []string {
	reply := make([]string, 0, len(lines))
	for i, line := range lines {
		mark := "-"
		if i == len(lines)-1 {
			mark = " "
		}
		reply = append(reply, code+mark+line)
	}
	return reply
}

// text is what a human reads behind the codes.
func text(codes string) string {
	switch codes {
	case "214 2.0.0":
		return "Commands are those of RFC 5321"
	case "220 2.0.0":
		return "Ready to start TLS"
	case "221 2.0.0":
		return "Bye"
	case "235 2.7.0":
		return "Authenticated"
	case "250 2.1.0":
		return "Sender OK"
	case "250 2.1.5":
		return "Recipient OK"
	case "252 2.5.0":
		return "Cannot verify the user, mail for it would be tried"
	case "334":
		return "" // an empty challenge keeps its space (RFC 4954 section 4)
	case "354":
		return "End the message with <CRLF>.<CRLF>"
	case "421 4.3.0", "421 4.3.2", "421":
		return "Service not available, closing"
	case "421 4.4.2":
		return "Nothing was received for too long, closing"
	case "421 4.7.0":
		return "Too many errors, closing"
	case "451 4.7.1":
		return "Try again later"
	case "452 4.5.3":
		return "Too many recipients"
	case "455 4.5.0":
		return "Parameter cannot be served now"
	case "500 5.5.2":
		return "Command not recognized"
	case "500 5.5.6":
		return "Authentication exchange line is too long"
	case "501 5.0.0":
		return "Authentication cancelled"
	case "501 5.1.3":
		return "Syntax error in the recipient's path"
	case "501 5.1.7":
		return "Syntax error in the sender's path"
	case "501 5.5.2", "501 5.5.4", "501":
		return "Syntax error in the argument"
	case "502 5.5.1":
		return "Command not implemented"
	case "503 5.5.1":
		return "Bad sequence of commands"
	case "504 5.5.4":
		return "Authentication mechanism not offered"
	case "521", "554":
		return "No mail is taken here"
	case "530 5.7.0":
		return "Must issue a STARTTLS or AUTH command first"
	case "535 5.7.8":
		return "Authentication credentials invalid"
	case "538 5.7.11":
		return "Encryption required for this mechanism"
	case "550 5.1.1":
		return "No such mailbox here"
	case "550 5.7.1":
		return "Refused by policy"
	case "552 5.3.4":
		return "Message size exceeds the maximum"
	case "554 5.5.0":
		return "Commands were sent ahead of their turn"
	case "554 5.5.1":
		return "No valid recipients"
	case "554 5.7.0":
		return "TLS is not good enough"
	case "555 5.5.4":
		return "Parameter not recognized or not offered"
	}
	return "OK"
}

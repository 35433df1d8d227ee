package resolve

// A Status says how a lookup ended.
type Status string

// The statuses of a domain. An exchange has the same, without those about MX
// records; a host is NXDomain where it does not exist.
const (
	OK          Status = "ok"
	NullMX      Status = "null-mx"     // the domain says that it takes no mail (RFC 7505)
	NXDomain    Status = "nxdomain"    // the name does not exist
	NoAddress   Status = "no-address"  // the name exists and has no address
	DNSError    Status = "dns-error"   // nothing is known: the nameservers did not say, or said what makes no sense
	UnusableMX  Status = "unusable-mx" // there are exchanges, and none that can be probed
	Invalid     Status = "invalid"     // what was given is no domain name
	Interrupted Status = "interrupted" // the context ended before the lookup did
)

// A Note is the code of something remarkable about a domain or an exchange. It
// does not change in later versions.
type Note string

// The notes, each with its rule.
const (
	CNAME              Note = "cname"                     // RFC 5321 section 5.1
	CNAMEChain         Note = "cname-chain"               // a loop, or more aliases than we follow
	NullMXPreference   Note = "null-mx-preference"        // RFC 7505 section 3
	NullMXMixed        Note = "null-mx-mixed"             // RFC 7505 section 3
	TooManyExchanges   Note = "too-many-exchanges"        // our own limit
	TooManyAddresses   Note = "too-many-addresses"        // our own limit
	PartialAddresses   Note = "partial-addresses"         // one of the two families is not known
	TargetCNAME        Note = "mx-target-cname"           // RFC 5321 section 5.1
	TargetLiteral      Note = "mx-target-ip-literal"      // RFC 5321 section 5.1
	TargetDangling     Note = "mx-target-dangling"        // RFC 5321 section 5.1
	TargetTakeoverRisk Note = "mx-target-takeover-risk"   // RFC 5321 section 5.1
	TargetNoAddress    Note = "mx-target-no-address"      // RFC 5321 section 5.1
	TargetBadName      Note = "mx-target-bad-name"        // RFC 5321 section 4.1.2
	TargetSpecial      Note = "mx-target-special-address" // our own policy
	TargetDuplicate    Note = "mx-target-duplicate"       // no rule
)

// Text explains a note in one sentence.
func (n Note) Text() string {
	switch n {
	case CNAME:
		return "the name is an alias (CNAME); the lookup went on with the name that it stands for"
	case CNAMEChain:
		return "the aliases (CNAME) lead in a circle or are too many to follow"
	case NullMXPreference:
		return "a null MX must have preference 0"
	case NullMXMixed:
		return "a null MX must stand alone, yet there are other MX records; the null MX was ignored"
	case TooManyExchanges:
		return "there are more MX records than a sender would try; those of the highest preference values were left out"
	case TooManyAddresses:
		return "the exchange has more addresses than a sender would try; the last ones were left out"
	case PartialAddresses:
		return "one of the two address lookups failed, so there may be more addresses than these"
	case TargetCNAME:
		return "an MX record must not name an alias (CNAME); it was followed, as most senders do"
	case TargetLiteral:
		return "an MX record must name a host, not an address; senders ignore it, and it is not connected to"
	case TargetDangling:
		return "the MX record names a host that does not exist"
	case TargetTakeoverRisk:
		return "the MX record names a host under a domain that is not registered: whoever registers it receives this mail"
	case TargetNoAddress:
		return "the MX record names a host that has no address"
	case TargetBadName:
		return "the MX record names a host with other characters than letters, digits and hyphens; some senders refuse it"
	case TargetSpecial:
		return "the name leads to a loopback, private or other special address, which is not connected to unless that is allowed (--allow-private)"
	case TargetDuplicate:
		return "several MX records name the same host; the lowest preference value counts"
	}
	return ""
}

// A NoteEntry is a note with what it is about in this case: a chain of
// aliases, an address, a name. The detail may be empty. What comes from the DNS
// stands in it in ASCII, with other octets as \DDD.
type NoteEntry struct {
	Note   Note
	Detail string
}

// String returns the text with its detail.
func (e NoteEntry) String() string {
	if e.Detail == "" {
		return e.Note.Text()
	}
	return e.Note.Text() + ": " + e.Detail
}

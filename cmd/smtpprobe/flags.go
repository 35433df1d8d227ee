package main

import (
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/run"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// probeFlags are the flags of a probe.
type probeFlags struct {
	selection
	output outputFlags

	targets string
	port    int
	tls     string

	ehlo   string
	from   string
	rcpt   string
	domain string

	resolver     words
	only4, only6 bool
	first        bool
	allowPrivate bool

	pace        time.Duration
	sessions    int
	receivers   int
	ofPlatform  int
	perPlatform int
	timeout     time.Duration
	repeat      int
	interval    time.Duration
	reply       time.Duration
	source      string
	proxy       string
	dryRun      bool
	rtt         time.Duration  // that --dry-run reckons with
	flags       *pflag.FlagSet // to tell a value that was given from one that was not

	network wire.Dial // in place of the system's: the lab of demo
}

func (p *probeFlags) register(cmd *cobra.Command) {
	p.selection.register(cmd)
	p.output.register(cmd)
	f := cmd.Flags()
	f.SortFlags = false
	p.flags = f
	f.StringVar(&p.targets, "targets", "", "read targets from `FILE`, one a line; - is standard input")
	p.registerTalk(f)
	f.StringVar(&p.rcpt, "rcpt", "", "recipient: a mailbox of your own, instead of postmaster (one target only)")
	f.StringVar(&p.domain, "domain", "", "whose postmaster is named to a target host:port or address (the host's own)")
	p.registerLookup(f)
	p.registerPace(f)
	f.IntVar(&p.repeat, "repeat", 1, "run `N` times, and say which answers agree")
	f.DurationVar(&p.interval, "interval", time.Minute, "pause between the runs of --repeat; 0 is for servers of your own")
	p.registerPath(f)
	f.BoolVar(&p.dryRun, "dry-run", false, "resolve, print the plan, open no SMTP connection")
	f.DurationVar(&p.rtt, "rtt", 50*time.Millisecond, "round trip that --dry-run reckons the least time with")
	onlyTyped(f, "targets", "rcpt", "domain", "dry-run", "rtt")
}

// registerTalk registers the flags about what is said to a receiver.
func (p *probeFlags) registerTalk(f *pflag.FlagSet) {
	f.IntVar(&p.port, "port", 0, "port of the receivers (25; 465 with --tls implicit)")
	f.StringVar(&p.tls, "tls", "auto", "auto, none, starttls (all inside TLS) or implicit (TLS from the first octet)")
	f.StringVar(&p.ehlo, "ehlo", "", "name to say in EHLO (this host's full name, else its address)")
	f.StringVar(&p.from, "from", "<>", "sender: a mailbox of your own, or the null sender <>")
}

// registerLookup registers the flags about how a domain becomes receivers.
func (p *probeFlags) registerLookup(f *pflag.FlagSet) {
	p.registerNames(f)
	f.BoolVar(&p.first, "first", false, "only the best address of each domain")
}

// registerNames registers the flags about how a name becomes addresses.
func (p *probeFlags) registerNames(f *pflag.FlagSet) {
	f.Var(&p.resolver, "resolver", "nameserver to ask, `ADDR[:PORT]` (the system's)")
	f.BoolVarP(&p.only4, "ipv4", "4", false, "only IPv4 addresses")
	f.BoolVarP(&p.only6, "ipv6", "6", false, "only IPv6 addresses")
	f.BoolVar(&p.allowPrivate, "allow-private", false, "connect to private and other special addresses that DNS names")
}

// registerPace registers the flags about how much is done at once, and how long
// it may take.
func (p *probeFlags) registerPace(f *pflag.FlagSet) {
	f.DurationVar(&p.pace, "pace", 500*time.Millisecond, "pause between the sessions with one receiver, and with one platform")
	f.IntVar(&p.sessions, "sessions", 1, "sessions at once with one receiver")
	f.IntVar(&p.receivers, "receivers", 8, "receivers at once")
	f.IntVar(&p.ofPlatform, "platform-receivers", 1, "receivers of one platform at once; its pause between sessions stays")
	f.IntVar(&p.perPlatform, "max-per-platform", 4, "addresses probed of one platform; the rest are skipped")
	f.DurationVar(&p.timeout, "timeout", 15*time.Minute, "time for one receiver, in each run of --repeat")
}

// registerPath registers the flags about the way to a receiver.
func (p *probeFlags) registerPath(f *pflag.FlagSet) {
	f.DurationVar(&p.reply, "reply-timeout", 30*time.Second, "wait for a reply; twice that for the greeting, at least 10s")
	f.StringVar(&p.source, "source", "", "connect from this `ADDR`ess")
	f.StringVar(&p.proxy, "proxy", "", "connect through socks5://host:port (needs --ehlo)")
}

// options are the options of the run; the error names the flag that is wrong.
func (p *probeFlags) options(selected, catalogue []probe.Check) (run.Options, error) {
	o := run.Options{
		Catalogue: catalogue, Selected: selected, TLS: run.TLS(p.tls),
		Timeout: p.timeout, Receivers: p.receivers, Platform: p.ofPlatform,
		Wire: wire.Config{Pace: p.pace, Sessions: p.sessions, Reply: p.reply, Turns: &wire.Turns{}},
	}
	if err := p.numbers(); err != nil {
		return o, err
	}
	if !slices.Contains(tlsWays(), p.tls) {
		return o, usage("--tls %q: want auto, none, starttls or implicit", p.tls)
	}
	var err error
	if o.Wire.Dial, err = p.dial(); err != nil {
		return o, err
	}
	o.Wire.Values, err = p.values()
	return o, err
}

func tlsWays() []string {
	return []string{string(run.Auto), string(run.Never), string(run.StartTLS), string(run.Implicit)}
}

// ranges say what the flags with a number take.
var ranges = map[string]string{
	"port":               "a number from 1 to 65535",
	"sessions":           "1 to 16",
	"receivers":          "1 to 1000",
	"platform-receivers": "1 to 1000",
	"max-per-platform":   "1 or more",
	"repeat":             "1 to 100",
	"rate":               "0 or more",
}

func (p *probeFlags) numbers() error {
	switch {
	case p.pace < 0:
		return usage("--pace %s: want a pause of 0 or more, such as 500ms", p.pace)
	case p.timeout <= 0:
		return usage("--timeout %s: want a time above 0, such as 15m", p.timeout)
	case p.reply <= 0:
		return usage("--reply-timeout %s: want a time above 0, such as 30s", p.reply)
	case p.sessions < 1 || p.sessions > 16:
		return usage("--sessions %d: want %s", p.sessions, ranges["sessions"])
	case p.receivers < 1 || p.receivers > 1000:
		return usage("--receivers %d: want %s", p.receivers, ranges["receivers"])
	case p.ofPlatform < 1 || p.ofPlatform > 1000:
		return usage("--platform-receivers %d: want %s", p.ofPlatform, ranges["platform-receivers"])
	case p.perPlatform < 1:
		return usage("--max-per-platform %d: want %s", p.perPlatform, ranges["max-per-platform"])
	case p.repeat < 1 || p.repeat > 100:
		return usage("--repeat %d: want %s", p.repeat, ranges["repeat"])
	case p.interval < 0:
		return usage("--interval %s: want a pause of 0 or more, such as 1m", p.interval)
	case p.rtt < 0:
		return usage("--rtt %s: want a time of 0 or more, such as 50ms", p.rtt)
	case isTyped(p.flags, "rtt") && !p.dryRun:
		return usage("--rtt is what --dry-run reckons with: a run takes the time it takes")
	case isTyped(p.flags, "interval") && !p.given("repeat"):
		return usage("--interval is the pause between the runs of --repeat: say how many, such as --repeat 3")
	case p.port < 0 || p.port > 65535, p.port == 0 && p.given("port"):
		return usage("--port %d: want %s", p.port, ranges["port"])
	case p.only4 && p.only6:
		return usage("-4 and -6 exclude one another: leave both out to probe every address")
	}
	return nil
}

// sourceAddress is the address to connect from; the zero address leaves it to
// the system.
func (p *probeFlags) sourceAddress() (netip.Addr, error) {
	if p.source == "" {
		return netip.Addr{}, nil
	}
	addr, err := netip.ParseAddr(p.source)
	if err != nil {
		return addr, usage("--source %q: want an address of this host", p.source)
	}
	return addr, nil
}

func (p *probeFlags) given(flag string) bool { return p.flags != nil && p.flags.Changed(flag) }

func (p *probeFlags) dial() (wire.Dial, error) {
	if p.network != nil {
		return p.network, nil
	}
	source, err := p.sourceAddress()
	if err != nil {
		return nil, err
	}
	if p.proxy == "" {
		return wire.Direct(source), nil
	}
	if p.ehlo == "" {
		return nil, usage("--proxy needs --ehlo: receivers see the proxy's address, and EHLO has to fit it")
	}
	through, err := wire.Through(p.proxy, source)
	if err != nil {
		return nil, ending{exitUsage, err}
	}
	return through, nil
}

// values are what reaches the wire of the user's words. The recipient is filled
// in for each receiver.
func (p *probeFlags) values() (probe.Values, error) {
	v := probe.Values{EHLO: p.ehlo, From: "<>", Bad: probe.BadRecipient}
	if p.ehlo == "" {
		v.EHLO = hostName()
	} else if !smtp.ValidDomainName(p.ehlo) && !smtp.ValidAddressLiteral(p.ehlo) {
		return v, usage("--ehlo %q: want a host name or an address literal such as [192.0.2.1]", p.ehlo)
	}
	if from := strings.TrimSuffix(strings.TrimPrefix(p.from, "<"), ">"); from != "" {
		if !smtp.ValidMailbox(from) {
			return v, usage("--from %q: want a mailbox such as probe@example.com, or <>", p.from)
		}
		v.From = "<" + from + ">"
	}
	if p.rcpt != "" && !smtp.ValidMailbox(bare(p.rcpt)) {
		return v, usage("--rcpt %q: want a mailbox such as probe@example.com", p.rcpt)
	}
	if p.domain != "" && !smtp.ValidDomainName(p.domain) && !smtp.ValidAddressLiteral(p.domain) {
		return v, usage("--domain %q: want a domain such as example.com", p.domain)
	}
	return v, nil
}

func bare(mailbox string) string {
	return strings.TrimSuffix(strings.TrimPrefix(mailbox, "<"), ">")
}

// hostName is this host's full name where it has one; otherwise each session
// says the literal of its own address.
func hostName() string {
	name, err := os.Hostname()
	if err != nil || !strings.Contains(name, ".") || !smtp.ValidDomainName(name) {
		return ""
	}
	return name
}

// defaultPort is the port where a target names none.
func (p *probeFlags) defaultPort() uint16 {
	switch {
	case p.port > 0:
		return uint16(p.port)
	case run.TLS(p.tls) == run.Implicit:
		return 465
	}
	return 25
}

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// written is a configuration file of this text.
func written(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestBadConfiguration: what is wrong in a file is one line, with the place where
// it stands and what would be right. Nothing is probed.
func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"time", "# slowly\npace: soon\n", `:2:7: pace: "soon": want a time such as 500ms$`},
		{"time out of range", "timeout: 0s\n", `:1:10: timeout: 0s: want a time above 0`},
		{"number", "port: smtp\n", `:1:7: port: "smtp": want a number from 1 to 65535$`},
		{"number out of range", "sessions: 17\n", `:1:11: sessions: 17: want 1 to 16$`},
		{"boolean", "ascii: maybe\n", `:1:8: ascii: "maybe": want true or false$`},
		{"word", "tls: \"\\x1b[2J\"\n", `:1:6: tls: "\\x1b\[2J": want auto, none`},
		{"word in a list", "check:\n  - nestedmail\n", `:2:3: check: no check "nestedmail", did you mean "nested-mail"`},
		{"several for one", "port: [25, 26]\n", `:1:7: port: want one value, got 2$`},
		{"nothing", "port: 25\npace:\n", `:2:7: no value: want one`},
		{"empty list", "check: []\n", `:1:8: the list is empty`},
		{"empty word", "check: ''\n", `:1:8: check: "": want one word or more`},
		{"unknown key", "port: 25\npaec: 1s\n", `:2:1: "paec" is no setting, did you mean "pace"\?$`},
		{"nearly targets", "target: {mine: a.example}\n", `:1:1: "target" is no setting, did you mean "targets"\?$`},
		{"nothing like it", "\"\\x1b\": 1\n", `:1:1: "\\x1b" is no setting$`},
		{"recipient", "rcpt: me@example.org\n", `:1:1: rcpt: is for the command line only$`},
		{"dry run", "dry-run: true\n", `:1:1: dry-run: is for the command line only$`},
		{"output", "output: x.json\n", `:1:1: output: is for the command line only$`},
		{"twice", "pace: 1s\nport: 25\npace: 2s\n", `:3:1: .*"pace"`},
		{"no YAML", "pace 1s: [\n", `:1:10: .*']'`},
		{"tabulator", "targets:\n\tmine: a.example\n", `:2:1: `},
		{"second document", "pace: 1s\n---\npace: 2s\n", `:2:1: a second document: want one$`},
		{"second document with nothing in it", "pace: 1s\n---\n", `:2:1: a second document: want one$`},
		{"anchor", "pace: &a 1s\n", `:1:7: want a value or a list of values, without Anchor$`},
		{"alias", "pace: *a\n", `:1:7: want a value or a list of values, without Alias$`},
		{"tag", "pace: !!str 1s\n", `:1:7: want a value or a list of values, without Tag$`},
		{"mapping", "pace: {a: 1s}\n", `:1:7: want a value or a list of values, without Mapping$`},
		{"merge", "<<: {pace: 1s}\n", `:1:1: "<<" is no setting`},
		{"list", "- pace\n", `:1:1: want keys with values, such as pace: 1s$`},
		{"word alone", "pace\n", `:1:1: want keys with values`},
		{"not UTF-8", "ehlo: \xff\n", `config.yaml: want UTF-8$`},
		{"too large", strings.Repeat("# all the same\n", 5000), `--config .*: want at most 64 KiB$`},
		{"too deep", "check: " + strings.Repeat("[", 60000), `:1:24: nested too deep$`},
		{"too deep by dashes", strings.Repeat("- ", 30000), `:1:33: nested too deep$`},
		{"built-in profile", "profiles:\n  quick: {group: auth}\n", `:2:3: "quick" is built in: want another name$`},
		{"profile with what none has", "profiles:\n  a: {gruop: auth}\n", `:2:7: "gruop" is nothing that a profile has, did you mean "group"\?$`},
		{"profile without that group", "profiles:\n  a: {group: [sequense]}\n", `:2:14: group: no group "sequense"; the groups are`},
		{"profile without checks", "profiles:\n  a: {check: nested-mail, group: auth}\n", `:2:3: a: the selection leaves no check`},
		{"profile on another", "profiles:\n  a: {profile: b}\n  b: {profile: quick}\n", `:2:16: profile: "b": want quick, standard or full$`},
		{"profiles by a list", "profiles: [a]\n", `:1:11: want keys with values`},
		{"name with a space", "targets:\n  my own: a.example\n", `:2:3: "my own": want a name of letters, digits, dots and dashes$`},
		{"name with a comma", "profiles:\n  a,b: {group: auth}\n", `:2:3: "a,b": want a name`},
		{"targets by a list", "targets: [a.example]\n", `:1:10: want keys with values`},
		{"named targets that are none", "targets:\n  bad: a..b\n", `a\.\.b`},
		{"password", "proxy: socks5://user:hush@127.0.0.1:1\n", `:1:8: proxy: needs --ehlo`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			target := "192.0.2.1"
			if strings.Contains(tt.text, "bad:") {
				target = "@bad"
			}
			r := call(t, "--config", written(t, tt.text), "--resolver", nowhere, "--dry-run", target)
			if err := oneLine(r.err, tt.want); err != nil || r.code != exitUsage || r.out != "" {
				t.Errorf("got exit code %d, %q on standard output, %v", r.code, r.out, err)
			}
			if strings.Contains(r.err, "hush") {
				t.Errorf("got a password in %q", r.err)
			}
		})
	}
}

// TestConfigurationThatCannotBeRead: one that somebody named, or that is there
// and closed, is an error; one that is not at home is none.
func TestConfigurationThatCannotBeRead(t *testing.T) {
	t.Parallel()
	refused := func(name, want string) {
		t.Helper()
		r := call(t, "--config", name, "192.0.2.1")
		if err := oneLine(r.err, want); err != nil || r.code != exitUsage {
			t.Errorf("%s: got exit code %d, %v", name, r.code, err)
		}
	}
	refused("missing.yaml", `--config "missing.yaml": no such file`)
	refused(t.TempDir(), `is a directory$`)
	refused("", `--config "": `)
	closed := written(t, "port: 26\n")
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() != 0 { // who may read all
		refused(closed, `permission denied$`)
	}
}

// TestConfigurationForms: what YAML writes in several ways is the same.
func TestConfigurationForms(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text string }{
		{"block", "port: 26\ncheck:\n  - nested-mail\n  - rcpt-before-mail\n"},
		{"flow", "{port: 26, check: [nested-mail, rcpt-before-mail]}"},
		{"commas", "port: 26\ncheck: nested-mail, rcpt-before-mail\n"},
		{"JSON", `{"port": 26, "check": ["nested-mail", "rcpt-before-mail"]}`},
		{"quotes", "\"port\": '26'\n'check': \"nested-mail,rcpt-before-mail\"\n"},
		{"CRLF", "port: 26\r\ncheck:\r\n  - nested-mail\r\n  - rcpt-before-mail\r\n"},
		{"byte order mark", "\ufeffport: 26\ncheck: [nested-mail, rcpt-before-mail]\n"},
		{"comments", "# mine\nport: 26 # not 25\n\ncheck: [nested-mail, rcpt-before-mail]\n"},
		{"marks of a document", "---\nport: 26\ncheck: [nested-mail, rcpt-before-mail]\n...\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := call(t, "--config", written(t, tt.text), "--resolver", nowhere, "--dry-run", "192.0.2.1")
			for _, want := range []string{"port 26,", "nested-mail", "rcpt-before-mail"} {
				if r.code != exitRan || !strings.Contains(r.out, want) || strings.Contains(r.out, "data-before") {
					t.Errorf("got exit code %d, %q and %q, want %q", r.code, r.out, r.err, want)
				}
			}
		})
	}
}

// TestEnvironment: a variable says what its flag would, and errors name it.
func TestEnvironment(t *testing.T) {
	tests := []struct{ name, variable, value, want string }{
		{"time", "SMTPPROBE_PACE", "soon", `SMTPPROBE_PACE: "soon": want a time such as 500ms$`},
		{"time out of range", "SMTPPROBE_PACE", "-1s", `SMTPPROBE_PACE: -1s: want a pause of 0 or more`},
		{"number", "SMTPPROBE_SESSIONS", "many", `SMTPPROBE_SESSIONS: "many": want 1 to 16$`},
		{"boolean", "SMTPPROBE_ASCII", "maybe", `SMTPPROBE_ASCII: "maybe": want true or false$`},
		{"list", "SMTPPROBE_FAIL_ON", "strict,brokn", `SMTPPROBE_FAIL_ON: "brokn": .*"broken"`},
		{"empty word", "SMTPPROBE_FAIL_ON", "strict,", `SMTPPROBE_FAIL_ON: "strict,": want one word or more`},
		{"check", "SMTPPROBE_CHECK", "rcpt-before-mial", `SMTPPROBE_CHECK: no check "rcpt-before-mial", did you mean`},
		{"escape", "SMTPPROBE_TLS", "\x1b[2J", `SMTPPROBE_TLS: `},
		{"password", "SMTPPROBE_PROXY", "socks5://user:hush@127.0.0.1:1", `SMTPPROBE_PROXY: needs --ehlo`},
		{"file", "SMTPPROBE_CONFIG", "missing.yaml", `SMTPPROBE_CONFIG "missing.yaml": no such file`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv(tt.variable, tt.value)
			r := call(t, "--resolver", nowhere, "--dry-run", "192.0.2.1")
			if err := oneLine(r.err, tt.want); err != nil || r.code != exitUsage || strings.Contains(r.err, "hush") {
				t.Errorf("got exit code %d, %v", r.code, err)
			}
		})
	}
}

// TestPrecedence: flag before environment before file before default, for every
// kind of value.
func TestPrecedence(t *testing.T) {
	kinds := []struct {
		flag, file, variable, typed     string
		byDefault, inFile, inEnv, byArg string // what a dry run shows of it
	}{
		{"port", "26", "27", "28", "port 25,", "port 26,", "port 27,", "port 28,"},
		{"interval", "2m", "3m", "4m", "2 runs, 1m0s", "2 runs, 2m0s", "2 runs, 3m0s", "2 runs, 4m0s"},
		{"check", "[nested-mail]", "rset-before-ehlo", "data-before-mail", "rcpt-before-mail", " nested-mail", " rset-before-ehlo", " data-before-mail"},
		{"tls", "implicit", "none", "implicit", "port 25,", "port 465,", "port 25,", "port 465,"},
		{"ipv4", "true", "false", "true", "::1", "192.0.2.1", "::1", "192.0.2.1"},
	}
	for _, kind := range kinds {
		t.Run(kind.flag, func(t *testing.T) {
			shows := func(level, want string, args ...string) {
				t.Helper()
				r := call(t, append(args, "--repeat", "2", "--resolver", nowhere, "--dry-run", "192.0.2.1", "::1")...)
				if r.code != exitRan || r.err != "" || !strings.Contains(r.out, want) {
					t.Errorf("%s: got exit code %d, %q and %q, want %q", level, r.code, r.out, r.err, want)
				}
			}
			file := written(t, kind.flag+": "+kind.file+"\n")
			shows("default", kind.byDefault)
			shows("file", kind.inFile, "--config", file)
			t.Setenv(variable(kind.flag), kind.variable)
			shows("environment", kind.inEnv, "--config", file)
			shows("flag", kind.byArg, "--config", file, "--"+kind.flag+"="+kind.typed)
			t.Setenv(variable(kind.flag), "")
			shows("empty variable", kind.inFile, "--config", file)
			shows("flag over file", kind.byArg, "--config", file, "--"+kind.flag+"="+kind.typed)
		})
	}
}

// TestAnyConfiguration: whatever a file holds, nothing panics, and an error is
// one clean line that begins with the file.
func TestAnyConfiguration(t *testing.T) {
	t.Parallel()
	known := knownSettings(rootCommand(streams{}))
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{
			"pace", "check", "targets", "profiles", "group", "auth", "quick", "1s", "nested-mail", "true", "25", "null", "~", ".inf", "0x1f",
			":", ": ", ":\n", "\n", "\n  ", "\n    ", "\r\n", "\t", " ", "- ", "-", "? ", "[", "]", "{", "}", ", ", "|", "|+2\n", ">-\n", "'", "\"", "\\",
			"\\n", "\\x1b", "&a ", "*a", "<<", "!!binary ", "!", "%YAML 1.2\n", "---\n", "...\n", "# ", "@", "`", "\ufeff", "\x00", "\x1b[2J", "\u202e", "\u0085",
		}),
		rapid.StringN(0, 4, -1),
	)
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(piece, 0, 40).Draw(t, "text"), "")
		conf, err := parseConfig("file.yaml", []byte(text), known)
		if err == nil {
			for _, s := range conf.settings {
				if !known[s.flag] || len(s.text) == 0 {
					t.Fatalf("got the setting %q", s)
				}
			}
			return
		}
		var errs bytes.Buffer
		if code := say(&errs, err); code != exitUsage {
			t.Fatalf("got exit code %d, want %d", code, exitUsage)
		}
		if err := oneLine(errs.String(), `^smtpprobe: file\.yaml:`); err != nil {
			t.Fatal(err)
		}
	})
}

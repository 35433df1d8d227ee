package resolve

import (
	"context"

	"github.com/miekg/dns"
)

// There reports whether any nameserver is there: whether it sends a reply to the
// question for the root's own nameservers, whatever it says. A context that ends
// before that leaves it open, and so counts as yes.
func (r *Resolver) There(ctx context.Context) bool {
	_, err := r.ask(ctx, ".", dns.TypeNS)
	return err == nil || !err.unanswered
}

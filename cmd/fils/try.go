package fils

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/filspos/fils/payby"
)

// tryPatience is how long connecting waits for PayBy's word on the keys.
const tryPatience = 10 * time.Second

// tryKeys asks PayBy whether it knows what was saved, and words the answer. It
// changes nothing: a till is connected without a network, too. The call is
// documented nowhere (protocol.md §1.1), so only its success and a signed
// refusal prove anything.
func tryKeys(ctx context.Context, client *payby.Client, limit time.Duration) string {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	text := "fils connect " + nonce()
	reply, err := client.Echo(ctx, text)
	var e *payby.Error
	switch {
	case err == nil && reply.Same:
		return "accepted: it knows this key and answered under its own. The rest, the right to sell among it, shows the first sale"
	case err == nil:
		return "not clear: it answered the test of the keys with something else. The till tries them with the first sale"
	case !errors.As(err, &e):
		return "not clear: the test of the keys ended without an answer. The till tries them with the first sale"
	case errors.Is(e, payby.ErrClock):
		return "refused (400): the clock of this computer is more than 15 minutes off; set it, then run fils connect again"
	case e.Class == payby.ClassConfig && e.Code != "":
		return fmt.Sprintf("refused (%s%s); the settings are saved, but nothing can be sold with them. Compare in PayBy's portal the Partner-Id, "+
			"the public half of this key, and the addresses allowed to call, then run fils connect again", plain(e.Code), traced(e))
	case e.Code != "":
		return fmt.Sprintf("not clear (%s%s); the till tries the keys with the first sale", plain(e.Code), traced(e))
	case errors.Is(e, payby.ErrSignature) && !errors.Is(e, payby.ErrUnsigned):
		return "answered under another key than the one saved as PayBy's; compare it with PayBy's portal, then run fils connect again"
	case e.Status != 0:
		return fmt.Sprintf("not clear: an answer with HTTP %d, which is none of PayBy's. The till tries the keys with the first sale", e.Status)
	}
	return "not reached (" + e.Error() + "); everything is saved, and the till tries it when it is opened"
}

// traced is the reference PayBy's support asks for.
func traced(e *payby.Error) string {
	if !e.Signed || e.Trace == "" {
		return ""
	}
	return ", trace " + plain(e.Trace)
}

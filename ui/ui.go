// Package ui is the till's screens: the only package that knows Fyne.
//
// [New] makes an [App] over an [Engine] and a [pos.Reader]. Screens hold no
// truth of their own: whenever the engine has a new [pos.View], one pump
// carries it to the UI goroutine and the screen is drawn from it. Whatever may
// touch the disk or the network (a charge, a refund, a page of the history)
// runs in a goroutine that the App owns and waits for; its result comes back
// through Config.Post. All other methods and all callbacks run on the UI
// goroutine unless their documentation says otherwise.
//
// Every key press arrives at one place, see keys.go, because an amount must
// not depend on which widget happens to have the focus.
package ui

import (
	"context"
	"image"
	"log/slog"
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
)

// Engine is what the screens ask of the till. Its methods may be called from
// any goroutine. Errors are or wrap *[pos.Error].
type Engine interface {
	// View is the latest snapshot, never nil.
	View() *pos.View
	// Changes signals (coalesced, buffer of one) after each new View. The
	// function ends the subscription.
	Changes() (<-chan struct{}, func())
	Charge(ctx context.Context, r pos.ChargeRequest) (pos.SaleNo, error)
	// Abort ends the wait for the customer. The sale is not closed by it: the
	// engine goes on to prove what happened.
	Abort(ctx context.Context, no pos.SaleNo, by string) error
	// Dismiss tells that a result was seen; Park turns the sale in front into
	// a card; Show brings a card to the front. They do not wait.
	Dismiss(no pos.SaleNo)
	Park(no pos.SaleNo)
	Show(no pos.SaleNo)
	// CustomerSaysPaid asks the provider hard, and asked a second time for a
	// sale that is still open, closes it to find out. The answer is the
	// Verdict of the sale's view.
	CustomerSaysPaid(ctx context.Context, no pos.SaleNo, by string) error
	// Renew closes a sale and starts another of the same amount once it is
	// proven not paid.
	Renew(ctx context.Context, no pos.SaleNo, by string) error
	// ReleaseWith notes goods that were handed over for an unknown sale,
	// AttachWith that a late payment was meant for another sale. Both change no
	// money. Approvals come from [App.permit]; a till without an owner needs none.
	ReleaseWith(ctx context.Context, a pos.Approval, no pos.SaleNo, by, note string) error
	AttachWith(ctx context.Context, a pos.Approval, no, other pos.SaleNo, by, note string) error
	Reverse(ctx context.Context, r pos.ReverseRequest) error
	Refund(ctx context.Context, r pos.RefundRequest) (pos.RefundNo, error)
	// ProposeRefund leaves a refund waiting until somebody approves or declines
	// it; see [pos.View.Proposals].
	ProposeRefund(ctx context.Context, r pos.RefundRequest) (pos.ProposalID, error)
	ApproveRefund(ctx context.Context, id pos.ProposalID, approver string, a pos.Approval) (pos.RefundNo, error)
	DeclineRefund(ctx context.Context, id pos.ProposalID, by, note string, a pos.Approval) error
	ResolveAlertWith(ctx context.Context, a pos.Approval, id int64, by, note string) error
	// Adopt takes up a sale of another till, by our number or the provider's.
	Adopt(ctx context.Context, a pos.Approval, number, by, note string) (pos.SaleNo, error)
	// OpenShift opens a shift, or returns the one that is open; CloseShiftWith
	// seals it; XWith adds up so far; Z and Shifts read what was sealed.
	OpenShift(ctx context.Context, by string) (pos.Shift, error)
	CloseShiftWith(ctx context.Context, a pos.Approval, number int64, by string) (pos.Z, error)
	XWith(ctx context.Context, a pos.Approval) (pos.Z, error)
	Z(ctx context.Context, number int64) (pos.Z, error)
	Shifts(ctx context.Context, before int64, limit int) ([]pos.Shift, error)
}

// Staff is what the screens ask about people; [pos.Staff] says what each method
// does. A PIN is handed over once and kept nowhere here.
type Staff interface {
	SetUp(ctx context.Context, owner pos.Member, pin string) (pos.RecoveryCode, error)
	Add(ctx context.Context, a pos.Approval, m pos.Member) error
	Change(ctx context.Context, a pos.Approval, m pos.Member) error
	SetPIN(ctx context.Context, a pos.Approval, id pos.MemberID, pin string) error
	ChangePIN(ctx context.Context, id pos.MemberID, old, pin string) error
	Verify(ctx context.Context, id pos.MemberID, pin string) error
	Authorize(ctx context.Context, p pos.Permission, id pos.MemberID, pin string) (pos.Approval, error)
	Use(ctx context.Context, a pos.Approval, p pos.Permission) error
	Recover(ctx context.Context, code string, owner pos.MemberID, pin string) (pos.RecoveryCode, error)
	NewRecoveryCode(ctx context.Context, a pos.Approval) (pos.RecoveryCode, error)
}

// Choice is what a person chose about the screen.
type Choice struct {
	Lang   string
	Dark   bool
	Window Window
}

// Sound is a reason to make a noise. Whatever a sound says, the screen says too.
type Sound int

const (
	// SoundSuccess: the sale in front is paid.
	SoundSuccess Sound = iota
	// SoundFailure: the sale in front is proven not paid.
	SoundFailure
	// SoundAttention: something else needs a look.
	SoundAttention
)

// Config is what an [App] needs. App, Engine and Reader are required.
type Config struct {
	App    fyne.App
	Engine Engine
	Reader pos.Reader
	// Staff may be nil where no PIN can be checked: then nobody can sign in to a
	// till that has an owner.
	Staff Staff
	// Lang is "en" or "ar"; anything else starts in English.
	Lang string
	// Dark starts with the dark theme.
	Dark bool
	// Window is how the window was left when it was open last.
	Window Window
	// Saved, when not nil, is told of another language, theme or window so that
	// the caller can keep it. It is called on a goroutine of the App's, once at a
	// time.
	Saved func(Choice)
	// LockAfter is how long nobody may touch a till with staff before whoever
	// works here is signed out; zero is for ever.
	LockAfter time.Duration
	// Room is what the inside of a window may cover of the screen, in the screen's
	// own units; empty when that is not known.
	Room image.Rectangle
	// Cashier is recorded with whatever is done here while there is no owner;
	// from then on it is the member who works here.
	Cashier string
	// Shop is shown in the title bar of the window; may be empty.
	Shop string
	// Version is shown on the help screen.
	Version string
	// Copies, when not nil, tells why there is no copy of the journal with the
	// last Z, nil when there is one. It is called often, on the UI goroutine, and
	// must return at once.
	Copies func() *CopyTrouble
	// Support, when not nil, saves a text for whoever supports the shop.
	Support *Support
	// Location is where the shop is; nil means the United Arab Emirates.
	Location *time.Location
	// Now is the clock of countdowns and of the scanner guard; nil means time.Now.
	Now func() time.Time
	// Post runs a function on the UI goroutine; nil means fyne.Do. It is
	// called from other goroutines only.
	Post func(func())
	// Sound, when not nil, makes a noise. It is called on the UI goroutine and
	// must return at once.
	Sound func(Sound)
	// Log is nil for none. Nothing secret and no payer data is written to it.
	Log *slog.Logger
}

package pos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
)

// rebuilder is a journal that can derive its tables again.
type rebuilder interface {
	Rebuild(ctx context.Context) error
}

// load reads what a starting till takes up, and checks it against the facts:
// the tables that screens read lie in a file that other programs can edit, and
// no edit may make a sale paid (design §2.2). Tables that differ are derived
// again, and tampered tells that they did.
func load(ctx context.Context, cfg Config) (l Loaded, tampered bool, err error) {
	if l, err = cfg.Journal.Load(ctx); err != nil {
		return l, false, err
	}
	same, err := agrees(ctx, cfg.Journal, l)
	if err != nil || same {
		return l, false, err
	}
	r, ok := cfg.Journal.(rebuilder)
	if !ok {
		return l, true, fmt.Errorf("%w: its tables differ from its facts", ErrJournalDamaged)
	}
	cfg.Log.Error("the journal's tables differ from its facts; they are derived again")
	if err := r.Rebuild(ctx); err != nil {
		return l, true, err
	}
	l, err = cfg.Journal.Load(ctx)
	return l, true, err
}

// agrees folds the loaded sales and refunds from their facts and compares.
func agrees(ctx context.Context, j Journal, l Loaded) (bool, error) {
	folder := NewFolder()
	refunds := map[RefundNo]*Refund{}
	for _, list := range [][]Sale{l.Sales, l.Origins, l.Recent} {
		for i := range list {
			s, theirs, err := fromFacts(ctx, j, folder, list[i].No)
			if err != nil {
				return false, err
			}
			if same, err := equal(list[i], s); !same {
				return false, err
			}
			maps.Copy(refunds, theirs)
		}
	}
	for _, r := range l.Refunds {
		facts := refunds[r.No]
		if facts == nil {
			return false, nil // its sale is not the one that the table names
		}
		if same, err := equal(r, *facts); !same {
			return false, err
		}
	}
	return true, nil
}

func equal(a, b any) (bool, error) {
	have, err := json.Marshal(a)
	if err != nil {
		return false, err
	}
	want, err := json.Marshal(b)
	return bytes.Equal(have, want), err
}

// fromFacts derives a sale and its refunds from its events alone.
func fromFacts(ctx context.Context, j Reader, folder Folder, no SaleNo) (Sale, map[RefundNo]*Refund, error) {
	events, err := j.Story(ctx, no)
	if err != nil {
		return Sale{}, nil, err
	}
	var s Sale
	refunds := map[RefundNo]*Refund{}
	for _, e := range events {
		f, err := e.Fact()
		if err != nil {
			return Sale{}, nil, err
		}
		if f.Sale == "" {
			f.Sale = no
		}
		if f.Refund != "" && refunds[f.Refund] == nil {
			refunds[f.Refund] = &Refund{}
		}
		if _, err := folder.Fold(&s, refunds[f.Refund], f); err != nil {
			return Sale{}, nil, err
		}
	}
	if s.State == "" {
		return Sale{}, nil, ErrNotFound
	}
	return s, refunds, nil
}

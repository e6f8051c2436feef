package ui

import "github.com/filspos/fils/pos"

// heard remembers what the last view told, to hear what is new in the next.
type heard struct {
	front  pos.SaleNo
	phases map[pos.SaleNo]pos.Phase
	alerts map[int64]bool
}

func listen(v *pos.View) heard {
	h := heard{phases: map[pos.SaleNo]pos.Phase{}, alerts: map[int64]bool{}}
	if v.Front != nil {
		h.front = v.Front.Sale.No
		h.phases[h.front] = v.Front.Phase
	}
	for _, c := range v.Cards {
		h.phases[c.Sale.No] = c.Phase
	}
	for _, al := range v.Alerts {
		h.alerts[al.ID] = true
	}
	return h
}

// news returns the sounds of what is new in v. Only the sale in front may
// sound like success or failure; everything else asks for attention, once.
func (h *heard) news(v *pos.View) []Sound {
	now := listen(v)
	var out []Sound
	attention := false
	for no, phase := range now.phases {
		before, known := h.phases[no]
		if !known || before == phase || !telling(phase) {
			continue
		}
		switch {
		case no != now.front || phase == pos.PhaseUnknown || phase == pos.PhaseReversed || phase == pos.PhaseDisputed:
			attention = true
		case phase == pos.PhasePaid:
			out = append(out, SoundSuccess)
		default:
			out = append(out, SoundFailure)
		}
	}
	for id := range now.alerts {
		attention = attention || !h.alerts[id]
	}
	if attention {
		out = append(out, SoundAttention)
	}
	*h = now
	return out
}

func telling(p pos.Phase) bool {
	switch p {
	case pos.PhaseCreating, pos.PhaseChecking, pos.PhaseAwaiting, pos.PhaseClosing:
		return false
	}
	return true
}

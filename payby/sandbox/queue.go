package sandbox

import (
	"container/heap"
	"time"
)

// queue hands out values in order of time, and in order of arrival within one instant.
type queue[T any] struct {
	items timed[T]
	next  uint64
}

type timedItem[T any] struct {
	at    time.Time
	seq   uint64
	value T
}

func (q *queue[T]) push(at time.Time, v T) {
	q.next++
	heap.Push(&q.items, timedItem[T]{at, q.next, v})
}

// due takes the first value whose time has come.
func (q *queue[T]) due(now time.Time) (item timedItem[T], ok bool) {
	if len(q.items) == 0 || q.items[0].at.After(now) {
		return item, false
	}
	return heap.Pop(&q.items).(timedItem[T]), true
}

// giveBack returns a value to the place that due took it from.
func (q *queue[T]) giveBack(item timedItem[T]) { heap.Push(&q.items, item) }

// first is the time of the next value.
func (q *queue[T]) first() (time.Time, bool) {
	if len(q.items) == 0 {
		return time.Time{}, false
	}
	return q.items[0].at, true
}

type timed[T any] []timedItem[T]

func (t timed[T]) Len() int { return len(t) }

func (t timed[T]) Less(i, j int) bool {
	if t[i].at.Equal(t[j].at) {
		return t[i].seq < t[j].seq
	}
	return t[i].at.Before(t[j].at)
}

func (t timed[T]) Swap(i, j int) { t[i], t[j] = t[j], t[i] }

func (t *timed[T]) Push(x any) { *t = append(*t, x.(timedItem[T])) }

func (t *timed[T]) Pop() any {
	old := *t
	last := old[len(old)-1]
	old[len(old)-1] = timedItem[T]{}
	*t = old[:len(old)-1]
	return last
}

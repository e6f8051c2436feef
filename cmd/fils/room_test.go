package fils

import (
	"image"
	"math"
	"strconv"
	"testing"
)

func TestShrink_ASmallDenseScreenShowsAllOfTheTill(t *testing.T) {
	for _, c := range []struct {
		what          string
		width, height int
		scale, chosen float64
		want          float64
	}{
		{"10 inches", 1022, 536, 1, 0, 1},
		{"7 inches", 1022, 536, 1.4, 0, 1},
		{"Windows at 125 %", 1024, 521, 1.25, 0, 1},
		{"a laptop", 1366, 697, 1.1, 0, 1.1},
		{"a laptop at 150 %", 1366, 697, 1.5, 0, 1.3},
		{"somebody wants all large", 1366, 697, 1, 2, 1.3},
		{"somebody wants all a little larger", 1366, 697, 1, 1.2, 1.2},
		{"a good screen", 3840, 2060, 2, 0, 2},
		{"an old one", 800, 530, 1, 0, 0.8},
		{"a toy", 320, 200, 1, 0, 0.7},
		{"nobody knows", 0, 0, 1.5, 0, 1.5},
	} {
		by, small := shrink(image.Rect(0, 0, c.width, c.height), c.scale, c.chosen)
		// What the toolkit makes of it.
		user := max(c.chosen, 0)
		if user == 0 {
			user = 1
		}
		if small {
			var err error
			if user, err = strconv.ParseFloat(by, 32); err != nil {
				t.Fatal(err)
			}
		}
		if got := math.Round(c.scale*user*10) / 10; math.Abs(got-math.Round(c.want*10)/10) > 0.01 {
			t.Errorf("%s: the scale is %v, want %v", c.what, got, c.want)
		}
	}
}

func TestDensity_IsTheToolkits(t *testing.T) {
	for _, c := range []struct {
		pixels, millimetres int
		want                float64
	}{{1024, 222, 1}, {1024, 154, 1.4}, {1366, 256, 1.1}, {1920, 1, 1}, {3840, 344, 2.4}} {
		if got := math.Round(density(c.pixels, c.millimetres)*10) / 10; got != c.want {
			t.Errorf("%d pixels on %d mm: %v, want %v", c.pixels, c.millimetres, got, c.want)
		}
	}
}

func TestInside_IsWhatTheFrameLeaves(t *testing.T) {
	if got, want := inside(image.Rect(0, 24, 1024, 560), frame{1, 18, 1, 5}), image.Rect(1, 42, 1023, 555); got != want {
		t.Errorf("%v, want %v", got, want)
	}
	if got := inside(image.Rect(0, 0, 10, 20), guessed()); !got.Empty() {
		t.Errorf("%v of nothing", got)
	}
}

package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// The test binary is also the child that the tests kill or deprive.
const (
	childRole = "JOURNAL_CHILD"
	childPath = "JOURNAL_PATH"
)

func TestMain(m *testing.M) {
	var err error
	switch role := os.Getenv(childRole); role {
	case "":
		os.Exit(m.Run())
	case "writer":
		err = writeForever(os.Getenv(childPath))
	case "reader":
		err = readDeprived(os.Getenv(childPath))
	default:
		err = fmt.Errorf("unknown role %s", role)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func child(role, path string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childRole+"="+role, childPath+"="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// writeForever prints the number of events that are durable after each Record.
func writeForever(path string) error {
	ctx := context.Background()
	j, err := sqlite.Open(ctx, path, small)
	if err != nil {
		return err
	}
	l, err := j.Load(ctx)
	if err != nil {
		return err
	}
	if l.Count == 0 {
		if _, err := j.Record(ctx, pos.Batch{Facts: []pos.Fact{bind()}}); err != nil {
			return err
		}
	}
	for n := int(l.Count); ; n++ {
		sale := paidSale(n)
		for _, b := range []pos.Batch{
			{Facts: sale[:1]},
			{Facts: sale[1:3], Polls: []string{string(saleNo(n))}},
			{Facts: sale[3:], NoticeKey: "notice-" + strconv.Itoa(n)},
			{Facts: []pos.Fact{refundIntended(n, saleNo(n), 10), raised(n, saleNo(n), pos.AlertPaidAgain)}},
		} {
			events, err := j.Record(ctx, b)
			if err != nil {
				return err
			}
			fmt.Println(events[len(events)-1].Seq)
		}
	}
}

func TestAKilledWriterLosesNothingItPromised(t *testing.T) {
	path := newPath(t)
	random := rand.New(rand.NewPCG(1, 2))
	promised := int64(0)
	for round := range 12 {
		lines := 1 + random.IntN(60)
		cmd := child("writer", path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		scan := bufio.NewScanner(out)
		read := func() {
			n, err := strconv.ParseInt(scan.Text(), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			promised = n
		}
		for i := 0; i < lines && scan.Scan(); i++ {
			read()
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for scan.Scan() { // what it promised before the signal reached it
			read()
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the writer ended by itself")
		}

		count, err := sqlite.Verify(t.Context(), path)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if count < promised || promised == 0 {
			t.Fatalf("round %d: %d events, %d were promised", round, count, promised)
		}
		verified(t, path, count)
		j := open(t, path)
		if err := j.Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		verified(t, path, count)
		closeJournal(t, j)
	}
}

func TestAKilledWriterFreesTheJournal(t *testing.T) {
	path := newPath(t)
	cmd := child("writer", path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if !bufio.NewScanner(out).Scan() {
		t.Fatal("the writer wrote nothing")
	}
	if j, err := sqlite.Open(t.Context(), path, small); err == nil {
		t.Errorf("two writers in two processes: %v", j.Close())
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the writer ended by itself")
	}
	open(t, path)
}

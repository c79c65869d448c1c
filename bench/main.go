// Bench measures what Seawall costs, in one run on one machine, beside the same
// work without it. See README.md.
//
//	go run ./bench [-json] [-profile FILE] [-only door,load,memory,start,rest,inside,audit,record]
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// serveCommand is the argument with which this program is the provider or the
// plain proxy.
const serveCommand = "serve"

// besides names the second column of each group.
var besides = map[string]string{
	doorGroup: "direct", loadGroup: "direct", insideGroup: "plain proxy", decideGroup: "decoding", auditGroup: "the other",
}

type flags struct {
	json    bool
	only    string
	profile string
	rows    int64
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == serveCommand {
		if err := serve(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(2)
		}
		return
	}
	var f flags
	flag.BoolVar(&f.json, "json", false, "print JSON")
	flag.StringVar(&f.only, "only", strings.Join(parts, ","), "measure only these parts")
	flag.StringVar(&f.profile, "profile", "", "write a CPU profile of a growing 60 kB conversation inside the door to this `file`")
	flag.Int64Var(&f.rows, "rows", largeRows, "so many `rows` in the large record: ten million take 6 GB of disk and some minutes")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, f); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
}

var parts = []string{"door", "load", "memory", "start", "rest", "inside", "decide", "audit", "record"}

func run(ctx context.Context, f flags) (err error) {
	if flag.NArg() > 0 {
		return fmt.Errorf("there is no argument %q: see -help", flag.Arg(0))
	}
	wanted := strings.Split(f.only, ",")
	for _, part := range wanted {
		if !slices.Contains(parts, part) {
			return fmt.Errorf("there is no part %q: choose from %s", part, strings.Join(parts, ", "))
		}
	}
	var profile io.Writer
	if f.profile != "" {
		file, err := os.Create(f.profile)
		if err != nil {
			return err
		}
		defer file.Close()
		profile = file
	}
	say("building seawall")
	s, err := openStage(ctx)
	if s != nil {
		defer s.close()
	}
	if err != nil {
		return err
	}
	s.rows = f.rows
	var results []result
	for _, part := range wanted {
		say("measuring: %s", part)
		more, err := s.measure(ctx, part, profile)
		if err != nil {
			return fmt.Errorf("measuring %s: %w", part, err)
		}
		results = append(results, more...)
	}
	if f.json {
		return printJSON(os.Stdout, results)
	}
	load, _ := os.ReadFile("/proc/loadavg")
	fmt.Printf("%s, %d cores, %s/%s, load at the end %s\n", time.Now().Format(time.DateOnly), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, strings.Join(strings.Fields(string(load))[:3], " "))
	print(os.Stdout, results)
	return nil
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...) }

func (s *stage) measure(ctx context.Context, part string, profile io.Writer) ([]result, error) {
	c := newClient(s)
	switch part {
	case "door":
		return each(ctx, c.growing, c.acting, c.streaming, c.leaving)
	case "load":
		return c.load(ctx)
	case "memory":
		return c.memory(ctx)
	case "inside":
		return s.inside(ctx, profile)
	case "start":
		return s.starts(ctx)
	case "rest":
		return s.rest(ctx)
	case "decide":
		return decide(ctx)
	case "audit":
		return s.audits(ctx)
	}
	return s.record(ctx, 2*time.Second, s.rows)
}

// each joins what parts of a part measure.
func each(ctx context.Context, measures ...func(context.Context) ([]result, error)) ([]result, error) {
	var all []result
	for _, m := range measures {
		more, err := m(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

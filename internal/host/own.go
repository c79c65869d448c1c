package host

import (
	"context"
	stdjson "encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// The reader's own questions, which no command answers in one go. They are
// asked through Run, so that a recorded machine answers them too.
const (
	askProcesses  = "seawall:processes"
	askSockets    = "seawall:sockets"
	askInterfaces = "seawall:interfaces"
	askDisks      = "seawall:disks"
	askTables     = "seawall:tables"
)

// own returns what answers one of the reader's own questions.
func (l *live) own(name string) (func(context.Context) (Output, error), bool) {
	answers := map[string]func() (any, error){
		askProcesses:  func() (any, error) { return readProcesses("/proc", l.secret) },
		askSockets:    func() (any, error) { return readSockets("/proc") },
		askInterfaces: func() (any, error) { return readInterfaces("/sys/class/net") },
		askDisks:      func() (any, error) { return readDisks("/proc/self/mounts") },
		askTables:     func() (any, error) { return readTables() },
	}
	answer, ok := answers[name]
	if !ok {
		return nil, false
	}
	return func(ctx context.Context) (Output, error) {
		if err := ctx.Err(); err != nil {
			return Output{}, err
		}
		v, err := answer()
		if err != nil {
			return Output{}, err
		}
		b, err := stdjson.Marshal(v)
		if err != nil {
			return Output{}, fmt.Errorf("%s: %w", name, err)
		}
		return Output{Stdout: b}, nil
	}, true
}

func readInterfaces(sys string) ([]Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("listing the network interfaces: %w", err)
	}
	list := make([]Interface, 0, len(all))
	for _, i := range all {
		entry := Interface{Name: i.Name, Up: i.Flags&net.FlagUp != 0, Kind: interfaceKind(sys, i)}
		addrs, err := i.Addrs()
		if err != nil {
			return nil, fmt.Errorf("reading the addresses of %s: %w", i.Name, err)
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				entry.Addrs = append(entry.Addrs, p)
			}
		}
		list = append(list, entry)
	}
	return list, nil
}

// interfaceKind reads from sysfs what an interface is. A veth is one whose
// other end is an interface elsewhere (iflink), and which is not a VLAN.
func interfaceKind(sys string, i net.Interface) string {
	at := func(name string) string {
		b, _ := readBounded(filepath.Join(sys, i.Name, name), 4096)
		return strings.TrimSpace(string(b))
	}
	has := func(name string) bool {
		_, err := os.Lstat(filepath.Join(sys, i.Name, name))
		return err == nil
	}
	uevent := at("uevent")
	switch {
	case i.Flags&net.FlagLoopback != 0:
		return "loopback"
	case has("bridge"):
		return "bridge"
	case strings.Contains(uevent, "DEVTYPE=wireguard"):
		return "wireguard"
	case has("tun_flags"):
		return "tun"
	case has("device"):
		return "physical"
	case uevent != "" && !strings.Contains(uevent, "DEVTYPE=") && at("iflink") != at("ifindex"):
		return "veth"
	}
	return ""
}

// diskTypes are the file systems that hold data here. Others are the kernel's
// own, or on another machine, whose silence must not hold the reader up.
var diskTypes = []string{"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "vfat", "overlay", "bcachefs", "jfs"}

func readDisks(mounts string) ([]Disk, error) {
	b, err := readBounded(mounts, fileLimit)
	if err != nil {
		return nil, explain("reading", mounts, err)
	}
	var list []Disk
	seen := map[string]bool{}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 3 || !slices.Contains(diskTypes, f[2]) {
			continue
		}
		// One device is one disk, however often it is mounted; layers of
		// containers lie on a disk that is listed already.
		if seen[f[0]] || f[2] == "overlay" && f[1] != "/" {
			continue
		}
		mount := unescapeMount(f[1])
		var st unix.Statfs_t
		if unix.Statfs(mount, &st) != nil {
			continue
		}
		seen[f[0]] = true
		list = append(list, Disk{Mount: mount, FS: f[2], Size: st.Blocks * uint64(st.Bsize), Avail: st.Bavail * uint64(st.Bsize)})
	}
	return list, nil
}

// unescapeMount undoes the octal escapes of proc_pid_mounts(5).
func unescapeMount(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// readTables names the packet filter's tables as the kernel has them
// ("inet seawall", "legacy filter"). It is asked where no tool that could
// list the rules is installed.
func readTables() ([]string, error) {
	names := []string{}
	conn, err := nftables.New()
	if err != nil {
		return nil, fmt.Errorf("asking the kernel for its packet filter: %w", err)
	}
	tables, err := conn.ListTables()
	if err != nil {
		return nil, explain("asking the kernel for", "its packet filter", err)
	}
	families := map[nftables.TableFamily]string{
		nftables.TableFamilyINet: "inet", nftables.TableFamilyIPv4: "ip", nftables.TableFamilyIPv6: "ip6",
		nftables.TableFamilyARP: "arp", nftables.TableFamilyNetdev: "netdev", nftables.TableFamilyBridge: "bridge",
	}
	for _, t := range tables {
		names = append(names, families[t.Family]+" "+t.Name)
	}
	for _, file := range legacyTables {
		b, err := readBounded(file, 4096)
		if err != nil && !os.IsNotExist(err) {
			return nil, explain("reading", file, err)
		}
		for _, t := range strings.Fields(string(b)) {
			names = append(names, "legacy "+t)
		}
	}
	return names, nil
}

var legacyTables = []string{"/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"}

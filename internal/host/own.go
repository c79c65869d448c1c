package host

import (
	"context"
	stdjson "encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	"github.com/mdlayher/netlink/nlenc"
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
	askEngine     = "seawall:engine"
)

// own returns what answers one of the reader's own questions.
func (l *live) own(name string, args []string) (func(context.Context) (Output, error), bool) {
	answers := map[string]func() (any, error){
		askProcesses:  func() (any, error) { return readProcesses("/proc", l.secret, l.started) },
		askSockets:    func() (any, error) { return readSockets("/proc") },
		askInterfaces: func() (any, error) { return readInterfaces() },
		askDisks:      func() (any, error) { return readDisks("/proc/self/mounts") },
		askTables:     func() (any, error) { return readTables() },
		askEngine:     func() (any, error) { return []string{l.socket}, nil },
	}
	answer, ok := answers[name]
	if name == AskProfiles && len(args) == 1 {
		answer, ok = func() (any, error) { return ReadAuthStore(context.Background(), args[0]) }, true
	}
	if name == AskDevices && len(args) == 1 {
		answer, ok = func() (any, error) { return ReadDevices(context.Background(), args[0]) }, true
	}
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
		b, err := marshalLines(v)
		if err != nil {
			return Output{}, fmt.Errorf("%s: %w", name, err)
		}
		return Output{Stdout: b}, nil
	}, true
}

// marshalLines writes a list with one element a line, so that recordings can
// be read and compared.
func marshalLines(list any) ([]byte, error) {
	b, err := stdjson.Marshal(list)
	if err != nil {
		return nil, err
	}
	var elements []stdjson.RawMessage
	if err := stdjson.Unmarshal(b, &elements); err != nil {
		return nil, err
	}
	texts := make([]string, len(elements))
	for i, e := range elements {
		texts[i] = string(e)
	}
	return []byte("[" + strings.Join(texts, ",\n") + "]\n"), nil
}

func readInterfaces() ([]Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("listing the network interfaces: %w", err)
	}
	kinds, err := linkKinds()
	if err != nil {
		return nil, err
	}
	list := make([]Interface, 0, len(all))
	for _, i := range all {
		entry := Interface{Name: i.Name, Up: i.Flags&net.FlagUp != 0, Kind: kinds[i.Index]}
		switch {
		case i.Flags&net.FlagLoopback != 0:
			entry.Kind = "loopback"
		case entry.Kind == "":
			entry.Kind = "physical"
		}
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

// linkKinds asks the kernel what made each interface: bridge, veth, tun,
// wireguard, … A device of its own has no kind (rtnetlink(7), IFLA_INFO_KIND).
func linkKinds() (map[int]string, error) {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return nil, fmt.Errorf("asking the kernel for its network interfaces: %w", err)
	}
	defer conn.Close()
	answers, err := conn.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.RTM_GETLINK, Flags: netlink.Request | netlink.Dump},
		Data:   make([]byte, unix.SizeofIfInfomsg),
	})
	if err != nil {
		return nil, fmt.Errorf("asking the kernel for its network interfaces: %w", err)
	}
	kinds := map[int]string{}
	for _, m := range answers {
		if len(m.Data) < unix.SizeofIfInfomsg {
			continue
		}
		index := int(int32(nlenc.Uint32(m.Data[4:8])))
		attrs, err := netlink.NewAttributeDecoder(m.Data[unix.SizeofIfInfomsg:])
		if err != nil {
			return nil, fmt.Errorf("reading the kernel's network interfaces: %w", err)
		}
		for attrs.Next() {
			if attrs.Type() == unix.IFLA_LINKINFO {
				attrs.Nested(func(info *netlink.AttributeDecoder) error {
					for info.Next() {
						if info.Type() == unix.IFLA_INFO_KIND {
							kinds[index] = info.String()
						}
					}
					return nil
				})
			}
		}
		if err := attrs.Err(); err != nil {
			return nil, fmt.Errorf("reading the kernel's network interfaces: %w", err)
		}
	}
	return kinds, nil
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

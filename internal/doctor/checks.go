package doctor

// All are the checks, what has to be put right first before the others.
var All = []Check{
	{ID: "disk", Title: "The disk of the state has room", Fix: "make room: df -h shows which disk, du -xh / | sort -h | tail what is on it", Look: disk},
	{ID: "files", Title: "Nobody else can read the state", Look: files},
	{ID: "layout", Title: "The state is of a layout that this Seawall knows", Fix: "install the newer Seawall again", Look: layout},
	{ID: "keys", Title: "Keys and routes can be read and fit together", Fix: "put the state directory back from a backup, or run seawall disconnect, then seawall connect", Look: keys},
	{ID: "policy", Title: "The policy can be used", Fix: "correct the file; seawall policy check FILE says when it is right", Look: rules},
	{ID: "record", Title: "The record can be read and ends as it was signed", Fix: "seawall log verify says what is wrong with it", Look: record},
	{ID: "clock", Title: "The clock has not gone back", Fix: "set the clock: timedatectl shows it, timedatectl set-ntp true keeps it right", Needs: []string{"record"}, Look: clock},
	{ID: "outside", Title: "Checkpoints leave the machine", Fix: "seawall log checkpoint --to PLACE names another place", Needs: []string{"record"}, Look: outside},
	{ID: "account", Title: "The account of the doors may do nothing else", Look: account},
	{ID: "service", Title: "The service is as it was installed", Fix: "sudo seawall install", Look: unit},
	{ID: "doors", Title: "The doors are open, and Seawall's", Needs: []string{"layout", "keys"}, Look: doors},
	{ID: "version", Title: "What runs is this version", Needs: []string{"doors"}, Look: release},
	{ID: "connection", Title: "OpenClaw is connected as it was", Fix: "seawall connect", Needs: []string{"keys", "doors"}, Look: connection},
	{ID: "watch", Title: "It is watched that the doors are in the path", Needs: []string{"doors", "connection"}, Look: watch},
	{ID: "leftovers", Title: "Nothing is left of what was interrupted", Fix: "docs/without-seawall.md has the steps by hand", Needs: []string{"keys"}, Look: leftovers},
}

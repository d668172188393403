package scanner

import (
	"fmt"
	"strings"
)

// UdevRules is the content of RuleFile: it lets the group dhamani, and who
// sits at the machine, open the scanners of the device table.
func UdevRules() string {
	var b strings.Builder
	b.WriteString("# Fingerprint scanners that Dhamani drives. Made by: dhamani scanner supported --udev\n")
	b.WriteString("ACTION==\"remove\", GOTO=\"dhamani_scanner_end\"\nSUBSYSTEM!=\"usb\", GOTO=\"dhamani_scanner_end\"\nENV{DEVTYPE}!=\"usb_device\", GOTO=\"dhamani_scanner_end\"\n")
	for _, m := range models {
		fmt.Fprintf(&b, "# %s\nATTRS{idVendor}==\"%04x\", ATTRS{idProduct}==\"%04x\", MODE=\"0660\", GROUP=\"dhamani\", TAG+=\"uaccess\"\n", m.Name, m.ID.Vendor, m.ID.Product)
	}
	b.WriteString("LABEL=\"dhamani_scanner_end\"\n")
	return b.String()
}

package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"feikong/billing/calendar"
	"feikong/billing/tariff"
	"feikong/internal/document"
)

func (t *terminal) tariff() *cobra.Command {
	group := &cobra.Command{
		Use: "tariff", Short: t.say("检查、比较、显示电价文件", "check, compare and show tariff documents"),
		Long: t.say("电价是文件：见 docs/tariffs.zh.md。这些命令只读文件，不需要运行中的网关。",
			"Tariffs are documents: see docs/tariffs.md. These commands read files alone and need no gateway."),
		Example: "  gateway tariff check configs/tariffs/*.yaml\n  gateway tariff show configs/tariffs/hubei-two-part-35kv.yaml",
	}
	group.AddCommand(t.tariffCheck(), t.tariffDiff(), t.tariffShow(), t.tariffSchema())
	return group
}

// readTariff reads one document.
func readTariff(path string) ([]tariff.Version, error) {
	data, err := readDocument(path)
	if err != nil {
		return nil, err
	}
	return tariff.Parse(path, data)
}

// readDocument reads a file that is no larger than a document may be; a wrong path must not fill the memory.
func readDocument(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s: is a directory", path)
	case info.Size() > document.SizeMax:
		return nil, fmt.Errorf("%s: %d bytes, a document has at most %d", path, info.Size(), document.SizeMax)
	}
	return os.ReadFile(path)
}

// calendars finds the holiday calendars that tariffs name.
type calendars struct {
	given map[string]*calendar.Calendar // --calendar
}

func readCalendars(paths []string) (*calendars, error) {
	c := &calendars{given: map[string]*calendar.Calendar{}}
	for _, path := range paths {
		k, err := readCalendar(path)
		if err != nil {
			return nil, err
		}
		c.given[k.ID] = k
	}
	return c, nil
}

func readCalendar(path string) (*calendar.Calendar, error) {
	data, err := readDocument(path)
	if err != nil {
		return nil, err
	}
	return calendar.Parse(path, data)
}

// of is the calendar named, from those given, or beside the tariff: NAME.yaml in its folder, in calendars/ there, or in ../calendars/.
func (c *calendars) of(name, tariffPath string) (*calendar.Calendar, error) {
	if k := c.given[name]; k != nil {
		return k, nil
	}
	dir := filepath.Dir(tariffPath)
	for _, place := range []string{dir, filepath.Join(dir, "calendars"), filepath.Join(dir, "..", "calendars")} {
		path := filepath.Join(place, name+".yaml")
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			continue
		}
		k, err := readCalendar(path)
		if err == nil && k.ID != name {
			continue
		}
		return k, err
	}
	return nil, os.ErrNotExist
}

// checked is what the check of one file found.
type checked struct {
	File     string   `json:"file"`
	OK       bool     `json:"ok"`
	Error    string   `json:"error,omitempty"`
	Line     int      `json:"line,omitempty"`
	Tariff   string   `json:"tariff,omitempty"`
	Versions int      `json:"versions,omitempty"`
	Notes    []string `json:"notes,omitempty"`
}

func (t *terminal) tariffCheck() *cobra.Command {
	var paths []string
	check := &cobra.Command{
		Use: "check FILE...", Short: t.say("检查电价文件：行、键、如何改正", "check tariff documents: line, key, remedy"),
		Long: t.say("检查每个文件，并指出何处有误、如何改正。提示（如印刷价与分项合计之差）不是错误。任一文件有误时退出码为 1。",
			"Checks each file and says where it is wrong and how to mend it. Notes, such as the difference between printed prices and their parts, are no errors. Exits with 1 when any file is wrong."),
		Example: "  gateway tariff check configs/tariffs/shandong-household-tou.yaml\n  gateway tariff check configs/tariffs/*.yaml --json", Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			known, err := readCalendars(paths)
			if err != nil {
				return err
			}
			var all []checked
			wrong := false
			for _, path := range args {
				c := t.checkTariff(path, known)
				wrong = wrong || !c.OK
				all = append(all, c)
			}
			if err := t.print(all, func(w writer) {
				for _, c := range all {
					if !c.OK {
						say(w, t.say("错误：%s\n", "wrong: %s\n"), plain(c.Error))
						continue
					}
					say(w, t.say("正确：%s，%s，%d 个版本\n", "right: %s, %s, versions: %d\n"), plain(c.File), plain(c.Tariff), c.Versions)
					for _, n := range c.Notes {
						say(w, t.say("  注意：%s\n", "  note: %s\n"), plain(n))
					}
				}
			}); err != nil {
				return err
			}
			if wrong {
				return errSaid
			}
			return nil
		},
	}
	check.Flags().StringArrayVar(&paths, "calendar", nil, t.say("节假日日历文件；缺省在电价文件旁及 ../calendars 中寻找", "holiday calendar; by default looked for beside the tariff and in ../calendars"))
	return check
}

func (t *terminal) checkTariff(path string, known *calendars) checked {
	c := checked{File: path}
	fail := func(err error) checked {
		c.Error = err.Error()
		var fault *document.Error
		if errors.As(err, &fault) {
			c.Line = fault.Line
		}
		return c
	}
	versions, err := readTariff(path)
	if err != nil {
		return fail(err)
	}
	c.Tariff, c.Versions = versions[0].ID, len(versions)
	for i := range versions {
		v := &versions[i]
		for _, n := range v.Notes(t.lang) {
			c.Notes = append(c.Notes, fmt.Sprintf(t.say("版本 %d：%s", "version %d: %s"), v.Number, n))
		}
		if v.Calendar == "" {
			continue
		}
		k, err := known.of(v.Calendar, path)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return fail(fmt.Errorf(t.say("%s：版本 %d 需要节假日日历 %s，但找不到：请给出 --calendar 文件，或放在 ../calendars/%s.yaml",
				"%s: version %d needs the holiday calendar %s, which is not there: give --calendar FILE, or put it into ../calendars/%s.yaml"), path, v.Number, v.Calendar, v.Calendar))
		case err != nil:
			return fail(err)
		}
		if err := k.Serves(v); err != nil {
			return fail(fmt.Errorf("%s: %w", path, err))
		}
		if err := k.Covers(v, time.Time{}); err != nil {
			c.Notes = append(c.Notes, err.Error())
		}
	}
	c.OK = true
	return c
}

func (t *terminal) tariffDiff() *cobra.Command {
	return &cobra.Command{
		Use: "diff A B", Short: t.say("两个电价文件有何不同", "what differs between two tariff documents"),
		Long: t.say("按版本号比较；只在 B 中的版本与 A 中此前生效的版本比较。不论有无不同，退出码均为 0。",
			"Compares versions by their number; a version that only B has is compared with the one of A that was valid before it. Exits with 0 whether they differ or not."),
		Example: "  gateway tariff diff configs/tariffs/hubei-two-part-35kv.yaml configs/tariffs/hubei-two-part-110kv.yaml", Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			a, err := readTariff(args[0])
			if err != nil {
				return err
			}
			b, err := readTariff(args[1])
			if err != nil {
				return err
			}
			changes := tariff.Diff(a, b, t.lang)
			if changes == nil {
				changes = []tariff.Change{}
			}
			return t.print(changes, func(w writer) {
				if len(changes) == 0 {
					say(w, "%s\n", t.say("没有不同", "no difference"))
					return
				}
				row(w, t.say("版本", "VERSION"), t.say("项目", "WHAT"), t.say("原", "OLD"), t.say("新", "NEW"))
				for _, c := range changes {
					version := "-"
					switch {
					case c.Against != 0 && c.Against != c.Version:
						version = fmt.Sprintf("%d → %d", c.Against, c.Version)
					case c.Version != 0:
						version = fmt.Sprint(c.Version)
					}
					row(w, version, c.What, dash(c.Old), dash(c.New))
				}
			})
		},
	}
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func (t *terminal) tariffShow() *cobra.Command {
	var on string
	show := &cobra.Command{
		Use: "show FILE", Short: t.say("以表格和一日时段图显示电价", "show a tariff as a table, and its day by bands as a picture"),
		Example: "  gateway tariff show configs/tariffs/shandong-two-part-10kv.yaml\n  gateway tariff show configs/tariffs/shandong-household.yaml --on 2026-07-01", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			versions, err := readTariff(args[0])
			if err != nil {
				return err
			}
			if on != "" {
				at, err := time.ParseInLocation(time.DateOnly, on, versions[0].Location())
				if err != nil {
					return errors.New(t.say("--on 应为日期，例如 2026-07-01", "--on takes a date such as 2026-07-01"))
				}
				v, err := tariff.At(versions, at)
				if err != nil {
					return err
				}
				versions = []tariff.Version{*v}
			}
			sheets := make([]tariff.Sheet, len(versions))
			for i := range versions {
				sheets[i] = versions[i].Sheet(t.lang)
			}
			return t.print(sheets, func(w writer) {
				for i := range sheets {
					if i > 0 {
						say(w, "\n")
					}
					say(w, "%s", sheets[i].Text(t.lang))
				}
			})
		},
	}
	show.Flags().StringVar(&on, "on", "", t.say("只显示该日有效的版本", "only the version valid on that day"))
	return show
}

func (t *terminal) tariffSchema() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: t.say("打印电价文件的 JSON Schema", "print the JSON schema of tariff documents"), Example: "  gateway tariff schema > tariff.schema.json", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := t.out.Write(tariff.Schema())
			return err
		},
	}
}

// plain keeps what stands in a file from steering a terminal.
func plain(s string) string {
	out := []rune(s)
	for i, r := range out {
		out[i] = printable(r)
	}
	return string(out)
}

package cli

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"feikong/gateway/headend"
	"feikong/gateway/store"
)

// password is for the administrator who lost it.
func (t *terminal) password() *cobra.Command {
	group := &cobra.Command{
		Use:     "password",
		Short:   t.say("管理员密码", "the administrator's password"),
		Example: "  gateway password reset --data data/street/gateway",
	}
	group.AddCommand(&cobra.Command{
		Use:     "reset",
		Short:   t.say("为管理员 admin 生成新的一次性密码（网关须已停止）", "a new one-time password for admin; the gateway must be stopped"),
		Example: "  gateway password reset --data data/street/gateway",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			data, err := t.directory()
			if err != nil {
				return err
			}
			word, err := headend.ResetPassword(c.Context(), data)
			if errors.Is(err, store.ErrLocked) {
				return fmt.Errorf("%s: %w", t.say("网关正在运行，请先停止", "the gateway is running, stop it first"), err)
			}
			if err != nil {
				return err
			}
			if t.json {
				return json.NewEncoder(t.out).Encode(map[string]string{"user": "admin", "one_time_password": word})
			}
			fmt.Fprintln(t.out, t.say("admin 的一次性密码（登录后须修改）：", "one-time password of admin, to be changed at the next sign-in: ")+word)
			return nil
		},
	})
	return group
}

package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sepia-chain/sepia/node/config"
)

func flagNames(names *[]string) func(*pflag.Flag) {
	return func(f *pflag.Flag) { *names = append(*names, f.Name) }
}

// addSettings gives a command a flag for each setting of the table.
func addSettings(cmd *cobra.Command) {
	for _, s := range config.Settings() {
		cmd.Flags().String(s.Flag, s.Default, s.Doc)
	}
}

// addHome gives a command --base-path and its synonyms --home and -d.
func addHome(cmd *cobra.Command, defaultPath string) {
	cmd.Flags().StringP("base-path", "d", defaultPath, "folder of keys, settings and data (--home is the same)")
	cmd.Flags().SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "home" {
			name = "base-path"
		}
		return pflag.NormalizedName(name)
	})
}

// defaultHome is ~/.sepia.
func defaultHome() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return ".sepia"
	}
	return filepath.Join(home, ".sepia")
}

// loadSettings collects the settings of a command: its flags, the environment and the settings file of basePath.
func loadSettings(cmd *cobra.Command, basePath string) (*config.Config, error) {
	flags := map[string]string{}
	cmd.Flags().Visit(func(f *pflag.Flag) { flags[f.Name] = f.Value.String() })
	return config.Load(config.Sources{BasePath: basePath, Flags: flags, Environment: os.LookupEnv})
}

func newSettingsHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "settings",
		Short: "All settings: file name, environment variable, flag, default (a help topic)",
		Long:  settingsText(),
	}
}

func settingsText() string {
	var text strings.Builder
	text.WriteString("A value comes from the first of: flag, environment variable, config/sepia.toml under the base path, default.\n\n")
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, s := range config.Settings() {
		fmt.Fprintf(table, "%s\t%s\t--%s\t%s\n\t%s\n", s.Name, s.Environment, s.Flag, orEmpty(s.Default), s.Doc)
	}
	_ = table.Flush() // a strings.Builder does not fail
	return text.String()
}

func orEmpty(text string) string {
	if text == "" {
		return "(empty)"
	}
	return text
}

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const target = "wasm32-unknown-unknown"

// stackBytes is the machine stack of a contract, in its memory before everything else. ink! contracts are tested with it.
const stackBytes = 64 << 10

// crate is what cargo knows of the contract.
type crate struct {
	Name         string
	Version      string
	Authors      []string
	Description  string
	License      string
	ManifestPath string `json:"manifest_path"`
	Targets      []struct {
		Name string
		Kind []string
	}

	targetFolder  string
	workspaceRoot string
	inkVersion    string
}

// build makes the results of one crate.
func build(s settings) error {
	c, err := readCrate(s)
	if err != nil {
		return err
	}
	if s.out == "" {
		s.out = filepath.Join(c.targetFolder, "ink")
	}
	if err := os.MkdirAll(s.out, 0o755); err != nil {
		return fmt.Errorf("making the folder of the results: %w", err)
	}
	wasm, err := compile(s, c)
	if err != nil {
		return err
	}
	base := filepath.Join(s.out, c.Name+s.suffix)
	if err := write(base+".wasm", wasm); err != nil || s.noMetadata {
		return err
	}
	generated, err := generateMetadata(s, c)
	if err != nil {
		return err
	}
	compiler, err := run(exec.Command(s.rustc, "--version"))
	if err != nil {
		return err
	}
	return writeDocuments(base, s, c, wasm, generated, strings.Join(strings.Fields(string(compiler))[:2], " "))
}

func writeDocuments(base string, s settings, c *crate, wasm, generated []byte, compiler string) error {
	mode, passes := "Release", s.optimise
	if s.debug {
		mode = "Debug"
	}
	about := source{
		Hash: codeHash(wasm), Language: "ink! " + c.inkVersion, Compiler: compiler,
		BuildInfo: buildInfo{BuildMode: mode, RustToolchain: compiler, WasmOptSettings: wasmOptSettings{OptimizationPasses: strings.ToUpper(passes)}},
	}
	who := contract{Name: c.Name, Version: c.Version, Authors: c.Authors, Description: c.Description, License: c.License}
	metadata, err := document(about, who, generated)
	if err != nil {
		return err
	}
	about.Wasm = fmt.Sprintf("%#x", wasm)
	bundle, err := document(about, who, generated)
	if err != nil {
		return err
	}
	if err := write(base+".json", metadata); err != nil {
		return err
	}
	return write(base+".contract", bundle)
}

func write(path string, content []byte) error {
	if err := os.WriteFile(path, content, 0o644); err != nil {
		return fmt.Errorf("writing a result: %w", err)
	}
	fmt.Printf("%s  %d bytes\n", path, len(content))
	return nil
}

// readCrate asks cargo what is in the folder, and which ink! it resolves to.
func readCrate(s settings) (*crate, error) {
	manifest := filepath.Join(s.crate, "Cargo.toml")
	output, err := run(exec.Command(s.cargo, "metadata", "--format-version", "1", "--manifest-path", manifest))
	if err != nil {
		return nil, err
	}
	var metadata struct {
		Packages        []crate
		TargetDirectory string `json:"target_directory"`
		WorkspaceRoot   string `json:"workspace_root"`
	}
	if err := json.Unmarshal(output, &metadata); err != nil {
		return nil, fmt.Errorf("reading what cargo metadata says: %w", err)
	}
	var found *crate
	inkVersion := ""
	for i, p := range metadata.Packages {
		if p.ManifestPath == manifest {
			found = &metadata.Packages[i]
		}
		if p.Name == "ink" {
			inkVersion = p.Version
		}
	}
	if found == nil || inkVersion == "" {
		return nil, fmt.Errorf("%s is not a crate that depends on ink", s.crate)
	}
	found.targetFolder, found.workspaceRoot, found.inkVersion = metadata.TargetDirectory, metadata.WorkspaceRoot, inkVersion
	return found, nil
}

// compile is cargo, strip and wasm-opt.
func compile(s settings, c *crate) ([]byte, error) {
	arguments := []string{"rustc", "--manifest-path", c.ManifestPath, "--lib", "--crate-type", "cdylib", "--release",
		"--target", target, "-Zbuild-std=core,alloc", "--no-default-features"}
	if s.debug {
		arguments = append(arguments, "--features", "ink/ink-debug")
	}
	command := exec.Command(s.cargo, arguments...)
	command.Env = append(os.Environ(), compileEnvironment(s, c)...)
	if _, err := run(command); err != nil {
		return nil, err
	}
	path := filepath.Join(c.targetFolder, target, "release", c.libraryName()+".wasm")
	linked, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading what cargo built: %w", err)
	}
	stripped, err := strip(linked)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if s.optimise == "none" {
		return stripped, nil
	}
	return optimise(s, stripped)
}

// compileEnvironment has the flags of a contract: no Wasm feature beyond the first version, memory from outside, and the
// profile that ink! contracts are built with (checked arithmetic for ink! 4; ink! 5 leaves it to its lints).
func compileEnvironment(s settings, c *crate) []string {
	overflowChecks := "false"
	if strings.HasPrefix(c.inkVersion, "4.") {
		overflowChecks = "true"
	}
	flags := []string{
		"-Ctarget-cpu=mvp", "-Clinker=wasm-ld", fmt.Sprintf("-Clink-arg=-zstack-size=%d", stackBytes),
		"-Clink-arg=--import-memory", fmt.Sprintf("-Clink-arg=--max-memory=%d", maxPages<<16),
		"--remap-path-prefix=" + c.workspaceRoot + "=/contract",
	}
	if home, err := cargoHome(); err == nil {
		flags = append(flags, "--remap-path-prefix="+home+"=/cargo")
	}
	return []string{
		"RUSTC=" + s.rustc,
		"RUSTC_BOOTSTRAP=1", // for -Zbuild-std: Debian ships the library's sources, not its Wasm build
		"CARGO_ENCODED_RUSTFLAGS=" + strings.Join(flags, "\x1f"),
		"CARGO_PROFILE_RELEASE_LTO=fat",
		"CARGO_PROFILE_RELEASE_OPT_LEVEL=z",
		"CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1",
		"CARGO_PROFILE_RELEASE_PANIC=abort",
		"CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=" + overflowChecks,
	}
}

func cargoHome() (string, error) {
	if home := os.Getenv("CARGO_HOME"); home != "" {
		return home, nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".cargo"), err
}

func (c *crate) libraryName() string {
	for _, t := range c.Targets {
		for _, kind := range t.Kind {
			if kind == "lib" || kind == "cdylib" || kind == "rlib" {
				return strings.ReplaceAll(t.Name, "-", "_")
			}
		}
	}
	return strings.ReplaceAll(c.Name, "-", "_")
}

func optimise(s settings, wasm []byte) ([]byte, error) {
	folder, err := os.MkdirTemp("", "build-contract")
	if err != nil {
		return nil, fmt.Errorf("making a scratch folder: %w", err)
	}
	defer os.RemoveAll(folder)
	in, out := filepath.Join(folder, "in.wasm"), filepath.Join(folder, "out.wasm")
	if err := os.WriteFile(in, wasm, 0o644); err != nil {
		return nil, fmt.Errorf("writing to the scratch folder: %w", err)
	}
	if _, err := run(exec.Command(s.wasmOpt, "--mvp-features", "-O"+s.optimise, "--zero-filled-memory", in, "-o", out)); err != nil {
		return nil, err
	}
	optimised, err := os.ReadFile(out)
	if err != nil {
		return nil, fmt.Errorf("reading what wasm-opt wrote: %w", err)
	}
	return strip(optimised)
}

// generateMetadata builds a program around the crate, for this machine, that prints what ink!'s macros know of it.
func generateMetadata(s settings, c *crate) ([]byte, error) {
	folder := filepath.Join(c.targetFolder, "metadata", c.Name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("making the metadata program: %w", err)
	}
	manifest := fmt.Sprintf(metadataManifest, c.Name, c.Name, filepath.Dir(c.ManifestPath), c.inkVersion)
	files := map[string]string{"Cargo.toml": manifest, "main.rs": metadataProgram}
	if lock, err := os.ReadFile(filepath.Join(c.workspaceRoot, "Cargo.lock")); err == nil {
		files["Cargo.lock"] = string(lock) // the same versions as the contract itself
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o644); err != nil {
			return nil, fmt.Errorf("making the metadata program: %w", err)
		}
	}
	command := exec.Command(s.cargo, "run", "--quiet", "--manifest-path", filepath.Join(folder, "Cargo.toml"),
		"--target-dir", filepath.Join(c.targetFolder, "metadata-build"))
	command.Env = append(os.Environ(), "RUSTC="+s.rustc, "CARGO_PROFILE_DEV_DEBUG=0")
	return run(command)
}

const metadataManifest = `[package]
name = "metadata-of-%s"
version = "0.0.0"
edition = "2021"
publish = false

[workspace]

[[bin]]
name = "metadata"
path = "main.rs"

[dependencies]
contract = { package = "%s", path = %q, default-features = false, features = ["std"] }
ink = { version = "=%s", features = ["std"] }
serde_json = "1"
`

const metadataProgram = `extern crate contract;

extern "Rust" {
    // Defined by #[ink::contract] in the crate.
    fn __ink_generate_metadata() -> ink::metadata::InkProject;
}

fn main() -> Result<(), serde_json::Error> {
    // SAFETY: the signature is the one that ink!'s macro gives the function, in the same version of ink!.
    let metadata = unsafe { __ink_generate_metadata() };
    println!("{}", serde_json::to_string(&metadata)?);
    Ok(())
}
`

// run runs a command and returns what it printed. What it complained of is in the error.
func run(command *exec.Cmd) ([]byte, error) {
	var complaints bytes.Buffer
	command.Stderr = &complaints
	output, err := command.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, fmt.Errorf("%s %s: %w\n%s", command.Path, command.Args[1], err, complaints.Bytes())
	}
	if err != nil {
		return nil, fmt.Errorf("running %s: %w (scripts/setup test installs what is missing)", command.Path, err)
	}
	return output, nil
}

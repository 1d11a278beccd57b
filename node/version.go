package node

import "runtime/debug"

// Version is the node's own version.
const Version = "0.1.0"

// Name is what the node calls itself to clients.
const Name = "sepia"

// HostVersion is the newest host_version this binary knows: imports, limits, allocator and prices of the blob's host.
const HostVersion uint32 = 1

// ModuleVersions maps the modules this binary was built with to their versions.
func ModuleVersions() map[string]string {
	versions := map[string]string{}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return versions
	}
	for _, module := range info.Deps {
		versions[module.Path] = module.Version
	}
	return versions
}

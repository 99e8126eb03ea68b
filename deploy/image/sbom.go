package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"runtime/debug"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/package-url/packageurl-go"
)

// rootsModule is the module that has the certificates.
const rootsModule = "golang.org/x/crypto/x509roots/fallback"

// bill is the SBOM of a program as CycloneDX JSON, from what the linker wrote into it: each
// module, the standard library, and the certificates beside it. It has no time and no serial
// number, so that equal programs have equal ones.
func bill(info *debug.BuildInfo) ([]byte, int, error) {
	main := component(info.Main, cdx.ComponentTypeApplication)
	list := []cdx.Component{component(debug.Module{Path: "std", Version: strings.TrimPrefix(info.GoVersion, "go")}, cdx.ComponentTypeLibrary)}
	for _, m := range info.Deps {
		list = append(list, component(*m, cdx.ComponentTypeLibrary))
	}
	if own, ok := debug.ReadBuildInfo(); ok {
		for _, m := range own.Deps {
			if m.Path == rootsModule {
				list = append(list, component(*m, cdx.ComponentTypeData))
			}
		}
	}
	slices.SortFunc(list, func(a, b cdx.Component) int { return strings.Compare(a.BOMRef, b.BOMRef) })
	list = slices.CompactFunc(list, func(a, b cdx.Component) bool { return a.BOMRef == b.BOMRef })
	var needs []string
	for _, c := range list {
		needs = append(needs, c.BOMRef)
	}
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Component: &main}
	bom.Components = &list
	bom.Dependencies = &[]cdx.Dependency{{Ref: main.BOMRef, Dependencies: &needs}}
	var text bytes.Buffer
	err := cdx.NewBOMEncoder(&text, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cdx.SpecVersion1_6)
	return text.Bytes(), len(list), err
}

// slimmed is where internal/slim links modules, but for some files: what it leaves is the
// code of that version, to which advisories apply.
const slimmed = "./bin/slim/"

// component is a module as part of an SBOM. Of one that is replaced it is what was compiled.
func component(m debug.Module, kind cdx.ComponentType) cdx.Component {
	c := cdx.Component{Type: kind}
	if m.Replace != nil {
		c.Description = "in place of " + m.Path + " " + m.Version
	}
	switch {
	case m.Replace == nil:
	case strings.HasPrefix(m.Replace.Path, slimmed):
		c.Description = "without packages and files that the program does not use"
	case strings.HasPrefix(m.Replace.Path, "."): // a directory of the repository, which is no module elsewhere
		c.Description += ": " + m.Replace.Path
		m = debug.Module{Path: m.Path}
	default:
		m = *m.Replace
	}
	c.Name, c.Version = m.Path, m.Version
	namespace, name := "", m.Path
	if i := strings.LastIndex(m.Path, "/"); i >= 0 {
		namespace, name = m.Path[:i], m.Path[i+1:]
	}
	c.PackageURL = packageurl.NewPackageURL(packageurl.TypeGolang, namespace, name, m.Version, nil, "").ToString()
	c.BOMRef = c.PackageURL
	// The sum of go.sum is SHA-256 over the hashes of the module's files.
	if sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:")); err == nil && len(sum) == sha256.Size {
		c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum)}}
	}
	return c
}

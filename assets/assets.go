// Package assets holds what the program carries with it: the sentences of its
// languages, its typefaces and its drawings. It knows no toolkit; everything
// is plain bytes.
package assets

import "embed"

//go:embed translations/*.json fonts/*.ttf fonts/LICENSE-IBM-Plex.txt icons/*.svg icon.png
var files embed.FS

// Translation returns the catalogue of a language as JSON: an object of key to
// sentence, or to an object of plural category to sentence.
func Translation(language string) ([]byte, error) {
	return files.ReadFile("translations/" + language + ".json")
}

// Font returns a typeface as a TrueType file: IBMPlexSans or
// IBMPlexSansArabic, with -Regular or -SemiBold.
func Font(face string) ([]byte, error) { return files.ReadFile("fonts/" + face + ".ttf") }

// Icon returns a line drawing as SVG whose strokes are "currentColor".
func Icon(name string) ([]byte, error) { return files.ReadFile("icons/" + name + ".svg") }

// AppIcon returns the program's icon as PNG, 256 × 256.
func AppIcon() ([]byte, error) { return files.ReadFile("icon.png") }

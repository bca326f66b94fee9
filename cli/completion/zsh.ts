/** The script for zsh: to be sourced, or to be put as `_sddf` into a folder of `$fpath`. */

import { posixFunctions } from './posix.ts';
import type { Completions } from './words.ts';

export function zshScript(words: Completions): string {
  return `${posixFunctions(words)}${COMPLETE}`;
}

const COMPLETE = `
_sddf() {
  local current=\${(Q)PREFIX} place option system offer word about
  local -a whole shown open openShown
  _sddf_walk "\${(@Q)words[2,CURRENT-1]}"
  while IFS= read -r offer; do
    word=\${offer%%$'\\t'*}
    about=\${offer#"$word"}
    about=\${about#$'\\t'}
    case $word in
      @files) _files ;;
      @folders) _files -/ ;;
      *=@files)
        word=\${word%@files}
        if [[ $current == "$word"* ]]; then
          compset -P "$word"
          _files
        else
          open+=("$word") openShown+=("$word")
        fi
        ;;
      *[=,:]) open+=("$word") openShown+=("$word\${about:+  -- $about}") ;;
      *) whole+=("$word") shown+=("$word\${about:+  -- $about}") ;;
    esac
  done < <(_sddf_words "$current")
  if (( \${#whole} )); then compadd -l -d shown -a whole; fi
  if (( \${#open} )); then compadd -l -S '' -d openShown -a open; fi
}

if [ "\${funcstack[1]}" = _sddf ]; then
  _sddf "$@"
else
  compdef _sddf sddf
fi
`;

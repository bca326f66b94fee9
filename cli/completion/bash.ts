/**
 * The script for bash. It reads the line itself: bash splits words at `=` and `:`, which ours
 * contain.
 */

import { posixFunctions } from './posix.ts';
import type { Completions } from './words.ts';

export function bashScript(words: Completions): string {
  return `${posixFunctions(words)}${COMPLETE}`;
}

const COMPLETE = `
_sddf() {
  local line=\${COMP_LINE:0:COMP_POINT} current place option system offer word before= breaks
  local -a given
  read -r -a given <<<"$line"
  case $line in *[[:space:]]) given+=('') ;; esac
  current=\${given[\${#given[@]} - 1]}
  _sddf_walk "\${given[@]:1:\${#given[@]}-2}"
  COMPREPLY=()
  while IFS= read -r offer; do
    word=\${offer%%$'\\t'*}
    case $word in
      @files) _sddf_paths -f '' "$current" ;;
      @folders) _sddf_paths -d '' "$current" ;;
      *=@files)
        word=\${word%@files}
        case $current in
          "$word"*) _sddf_paths -f "$word" "\${current#"$word"}" ;;
          *) case $word in "$current"*) COMPREPLY+=("$word") ;; esac ;;
        esac
        ;;
      *) case $word in "$current"*) COMPREPLY+=("$word") ;; esac ;;
    esac
  done < <(_sddf_words "$current")
  if [ \${#COMPREPLY[@]} -eq 1 ]; then
    case \${COMPREPLY[0]} in *[=,:]) compopt -o nospace 2>/dev/null ;; esac
  fi
  # Only what stands behind the last break of the word is replaced.
  for breaks in = :; do
    case $COMP_WORDBREAKS in *$breaks*) ;; *) continue ;; esac
    case $current in *$breaks*) word=\${current%"\${current##*$breaks}"} ;; *) continue ;; esac
    if [ \${#word} -gt \${#before} ]; then before=$word; fi
  done
  COMPREPLY=("\${COMPREPLY[@]#"$before"}")
}

# Adds the files (-f) or folders (-d) that begin with $3, with $2 before each.
_sddf_paths() {
  local path
  compopt -o filenames 2>/dev/null
  while IFS= read -r path; do COMPREPLY+=("$2$path"); done < <(compgen "$1" -- "$3")
}

complete -F _sddf sddf
`;

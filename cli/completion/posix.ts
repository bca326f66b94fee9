/**
 * What the scripts for bash and zsh have in common: the tables as functions of `case`, the way
 * along the words of a line, and what may stand at its end. It is written in what both shells
 * understand alike.
 */

import { systems } from '../../systems/index.ts';
import type { Completions, Offer } from './words.ts';

/**
 * Functions whose names begin with `_sddf_`. They print a word a line, what it is about behind a
 * tab.
 */
export function posixFunctions(words: Completions): string {
  const ready = systems.map(({ name, summary }) => ({ word: name, about: summary }));
  return [
    table('_sddf_options', words.options),
    table('_sddf_operands', words.operands),
    table('_sddf_values', words.values),
    table('_sddf_choices', words.choices),
    table('_sddf_systems', new Map([['', ready]])),
    WALK,
  ].join('\n');
}

function table(name: string, rows: ReadonlyMap<string, readonly Offer[]>): string {
  const cases = [...rows]
    .filter(([, offers]) => offers.length > 0)
    .map(([key, offers]) => {
      const lines = offers.map(({ word, about }) =>
        quoted(about === '' ? word : `${word}\t${about}`),
      );
      return `    ${quoted(key)}) printf '%s\\n' ${lines.join(' ')} ;;`;
    });
  return [`${name}() {`, '  case $1 in', ...cases, '  esac', '}', ''].join('\n');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

const WALK = `# Sets place, option (whose value comes next) and system, which are the caller's, from the words before the last one.
_sddf_walk() {
  local word
  place=sddf option= system=
  for word in "$@"; do
    if [ -n "$option" ]; then
      option=
      continue
    fi
    case $word in
      -*) if [ -n "$(_sddf_values "$place $word")" ]; then option=$word; fi ;;
      *)
        if [ -n "$(_sddf_options "$place $word")" ]; then
          place="$place $word"
        elif [ "$place" = sddf ]; then
          place="sddf $word" # there is no such command, and nothing to offer
        elif [ -z "$system" ]; then
          system=$word
        fi
        ;;
    esac
  done
}

# Prints what the word that begins with $1 may become, at the place that has been found.
_sddf_offer() {
  local line
  if [ -n "$option" ]; then
    _sddf_values "$place $option"
    return
  fi
  case $1 in
    --*=*)
      _sddf_values "$place \${1%%=*}" | while IFS= read -r line; do
        case $line in @*) ;; *) printf '%s\\n' "\${1%%=*}=$line" ;; esac
      done
      ;;
    -*) _sddf_options "$place" ;;
    *)
      line=$(_sddf_operands "$place")
      case $line in
        @systems*) if [ -n "$system" ]; then line=; fi ;;
      esac
      if [ -n "$line" ]; then printf '%s\\n' "$line"; else _sddf_options "$place"; fi
      ;;
  esac
}

# Puts words in the place of @choices and @systems; the others that begin with @ are for the shell.
_sddf_words() {
  local line
  _sddf_offer "$1" | while IFS= read -r line; do
    case $line in
      @systems) _sddf_systems ;;
      @choices)
        case $1 in
          *=*) _sddf_choices "$system \${1%%=*}" ;;
          *) _sddf_choices "$system" ;;
        esac
        ;;
      @text) ;;
      *) printf '%s\\n' "$line" ;;
    esac
  done
}
`;

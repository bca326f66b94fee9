/**
 * The script for fish. It does what the other shells' does (`posix.ts`), in fish's own language.
 */

import { systems } from '../../systems/index.ts';
import type { Completions, Offer } from './words.ts';

export function fishScript(words: Completions): string {
  const ready = systems.map(({ name, summary }) => ({ word: name, about: summary }));
  return [
    table('__sddf_options', words.options),
    table('__sddf_operands', words.operands),
    table('__sddf_values', words.values),
    table('__sddf_choices', words.choices),
    table('__sddf_systems', new Map([['', ready]])),
    COMPLETE,
  ].join('\n');
}

function table(name: string, rows: ReadonlyMap<string, readonly Offer[]>): string {
  const cases = [...rows]
    .filter(([, offers]) => offers.length > 0)
    .flatMap(([key, offers]) => {
      const lines = offers.map(({ word, about }) =>
        quoted(about === '' ? word : `${word}\t${about}`),
      );
      return [`        case ${quoted(key)}`, `            printf '%s\\n' ${lines.join(' ')}`];
    });
  return [`function ${name}`, '    switch "$argv[1]"', ...cases, '    end', 'end', ''].join('\n');
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

const COMPLETE = `# Prints what the word at the cursor may become, what it is about behind a tab.
function __sddf
    set -l place sddf
    set -l option ''
    set -l system ''
    set -l current (commandline -ct)
    for word in (commandline -opc)[2..-1]
        if test -n "$option"
            set option ''
        else if string match -q -- '-*' $word
            if test -n "$(__sddf_values "$place $word")"
                set option $word
            end
        else if test -n "$(__sddf_options "$place $word")"
            set place "$place $word"
        else if test $place = sddf
            set place "sddf $word" # there is no such command, and nothing to offer
        else if test -z "$system"
            set system $word
        end
    end
    set -l offers
    if test -n "$option"
        set offers (__sddf_values "$place $option")
    else if string match -q -- '--*=*' $current
        set -l name (string replace -r '=.*' '' -- $current)
        for value in (__sddf_values "$place $name" | string match -v '@*')
            set -a offers $name=$value
        end
    else if string match -q -- '-*' $current
        set offers (__sddf_options $place)
    else
        set offers (__sddf_operands $place)
        if test "$offers[1]" = @systems -a -n "$system"
            set offers
        end
        if test -z "$offers"
            set offers (__sddf_options $place)
        end
    end
    for offer in $offers
        switch $offer
            case @systems
                __sddf_systems
            case @choices
                if string match -q -- '*=*' $current
                    __sddf_choices "$system "(string replace -r '=.*' '' -- $current)
                else
                    __sddf_choices $system
                end
            case @files
                __fish_complete_path $current
            case @folders
                __fish_complete_directories $current
            case '*=@files'
                set -l name (string replace @files '' -- $offer)
                if string match -q -- "$name*" $current
                    for path in (__fish_complete_path (string replace -- $name '' $current))
                        echo $name$path
                    end
                else
                    echo $name
                end
            case @text
            case '*'
                echo $offer
        end
    end
end

complete -c sddf -f -a '(__sddf)'
`;

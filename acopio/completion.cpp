// acopio completion bash: a script for the shell, made from the commands themselves, so that it cannot fall behind.
#include "acopio/cli.hpp"

#include <CLI/CLI.hpp>

namespace acopio {
namespace {

constexpr const char* examples = R"(Examples:
  source <(acopio completion bash)
  acopio completion bash > /etc/bash_completion.d/acopio)";

std::string words_of(const CLI::App& app) {
    std::string words;
    const auto add = [&words](const std::string& word) { words += (words.empty() ? "" : " ") + word; };
    for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) add(command->get_name());
    for (const auto* option : app.get_options([](const CLI::Option*) { return true; }))
        for (const auto& name : option->get_lnames()) add("--" + name);
    return words;
}

// One line of a bash `case` for the command at `path` ("acopio center") and each below it.
void add_cases(const CLI::App& app, const std::string& path, std::string& out) {
    out += "    \"" + path + "\") words=\"" + words_of(app) + "\" ;;\n";
    for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; }))
        add_cases(*command, path + " " + command->get_name(), out);
}

std::string bash_script(const CLI::App& app) {
    std::string script = R"sh(# bash completion for acopio
_acopio_words() {
  local words=
  case "$1" in
)sh";
    add_cases(app, "acopio", script);
    script += R"sh(  esac
  printf '%s' "$words"
}
_acopio() {
  local current=${COMP_WORDS[COMP_CWORD]} path=acopio word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ -n $(_acopio_words "$path $word") ]] && path="$path $word"
  done
  COMPREPLY=()
  if [[ $current != -* && $path =~ ^acopio\ (send|check)$ ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -W "$(_acopio_words "$path")" -- "$current")
  fi
}
complete -o default -F _acopio acopio
)sh";
    return script;
}

}  // namespace

void add_completion(CLI::App& app, Cli& cli) {
    auto* command = app.add_subcommand("completion", "Print a completion script for the shell");
    auto shell = std::make_shared<std::string>("bash");
    command->add_option("shell", *shell, "Only bash so far")->check(CLI::IsMember({"bash"}))->capture_default_str();
    command->footer(examples);
    command->callback([&cli, &app, shell] {  // the option writes into *shell
        cli.action = [&app] {
            print(bash_script(app));
            return finish_output(exit_ok);
        };
    });
}

}  // namespace acopio

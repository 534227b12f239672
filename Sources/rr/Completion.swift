import ArgumentParser

/// `rr completion bash`, as RoadRunner's command line has it.
struct Completion: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion",
        abstract: "Print a script that completes commands and options in your shell.",
        discussion: """
            Examples:
              source <(rr completion bash)
              rr completion bash > /etc/bash_completion.d/rr
              rr completion zsh > "${fpath[1]}/_rr"
              rr completion fish > ~/.config/fish/completions/rr.fish
            """
    )

    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash, zsh, fish
    }

    @Argument(help: "bash, zsh or fish.")
    var shell: Shell

    func run() {
        switch self.shell {
        case .bash: print(RR.completionScript(for: .bash))
        case .zsh: print(RR.completionScript(for: .zsh))
        case .fish: print(RR.completionScript(for: .fish))
        }
    }
}

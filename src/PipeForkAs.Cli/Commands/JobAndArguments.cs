using System.CommandLine;
using System.Text;

using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Commands;

/// <summary>A job and its arguments on a command line: <c>JOB [NAME=VALUE ...]</c>, or <c>JOB --args JSON</c>.</summary>
internal sealed class JobAndArguments
{
    private readonly Argument<string> job = new("JOB") { Description = "The job's name; see: pipeforkas list" };

    private readonly Argument<string[]> pairs = new("NAME=VALUE")
    {
        Description = "The job's arguments; see: pipeforkas describe JOB",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<string?> arguments = new("--args")
    {
        Description = "The job's arguments as one JSON object",
        HelpName = "JSON",
    };

    /// <param name="command">The command that gets the arguments.</param>
    public JobAndArguments(Command command)
    {
        command.Add(job);
        command.Add(pairs);
        command.Add(arguments);
        command.Validators.Add(result =>
        {
            // System.CommandLine takes a misspelled option for the job's name.
            if (result.GetValue(job) is ['-', ..] option)
                result.AddError($"there is no option {option}; see: pipeforkas {command.Name} --help");
            if (result.GetResult(arguments) is not null && result.GetResult(pairs) is { Tokens.Count: > 0 })
                result.AddError("--args and NAME=VALUE cannot be combined; use one of them");
        });
    }

    /// <summary>The job's name.</summary>
    public string Job(ParseResult parsed) => parsed.GetRequiredValue(job);

    /// <summary>The words <c>NAME=VALUE</c>.</summary>
    public string[] Pairs(ParseResult parsed) => parsed.GetValue(pairs) ?? [];

    /// <summary>The value of <c>--args</c>; null if there is none.</summary>
    public string? Json(ParseResult parsed) => parsed.GetValue(arguments);
}

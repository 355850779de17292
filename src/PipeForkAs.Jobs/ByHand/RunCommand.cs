using System.CommandLine;
using System.Text;
using PipeForkAs.Jobs.Registration;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Jobs.ByHand;

/// <summary>Runs a job in this process: without fork, change of user or limits. The job uses the process's streams and exit code.</summary>
internal sealed class RunCommand : Command
{
    private readonly JobArgument name;

    private readonly Argument<string[]> pairs = new("NAME=VALUE")
    {
        Description = "The job's arguments",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<string?> json = new("--args") { Description = "The job's arguments as one JSON object", HelpName = "JSON" };

    public RunCommand(JobCollection jobs)
        : base("run", "Runs a job in this process, as yourself. 1: it threw, 125: bad arguments, 127: unknown job.")
    {
        name = new JobArgument(jobs);
        Add(name);
        Add(pairs);
        Add(json);
        Validators.Add(result =>
        {
            if (result.GetResult(json) is not null && result.GetResult(pairs) is { Tokens.Count: > 0 })
                result.AddError("--args and NAME=VALUE cannot be combined; use one of them");
        });
        SetAction(Run);
    }

    private int Run(ParseResult parsed)
    {
        if (!name.TryFind(parsed, out Job? job))
            return ExitCode.UnknownJob;

        if (job.Sandboxes.Count > 0)
            Terminal.Warning($"the sandbox of {job.Name} is not applied when you run the job by hand");

        try
        {
            var context = new JobContext(
                CurrentUser.Get(), ReadArguments(parsed, job),
                _ => Terminal.OpenInput(), _ => Terminal.OpenOutput(), _ => Terminal.OpenError());
            return job.Invoke(context);
        }
        catch (Exception wrong) when (wrong is JobArgumentsException or RequestException)
        {
            Terminal.Error(wrong.Message);
            return ExitCode.BadArguments;
        }
#pragma warning disable CA1031 // As in a worker: the message is the same for every exception of the function.
        catch (Exception thrown)
#pragma warning restore CA1031
        {
            Exception cause = Failure.Cause(thrown);
            Terminal.Error($"{Failure.TypeName(cause)}: {cause.Message}");
            return ExitCode.Threw;
        }
    }

    private byte[] ReadArguments(ParseResult parsed, Job job)
    {
        if (parsed.GetValue(json) is { } given)
            return Encoding.UTF8.GetBytes(given);
        return parsed.GetValue(pairs) is { Length: > 0 } words ? ArgumentPairs.ToJson(words, DescribeCommand.Schema(job)) : [];
    }
}

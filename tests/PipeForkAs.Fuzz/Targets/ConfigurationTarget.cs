using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Commands;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Loading;
using PipeForkAs.Daemon.Tests.Authorization;
using PipeForkAs.Fuzz.Driver;

namespace PipeForkAs.Fuzz.Targets;

/// <summary>The text of one configuration file, or of two with a NUL between them.</summary>
internal sealed class ConfigurationTarget : Target
{
    public override string Name => "configuration";

    public override int MaxLength => 2048;

    /// <summary>Each key is compared with every known key, and a mistyped one with each of its parts. Only root writes the file.</summary>
    public override int BytesForEach => 16 * 1024;

    /// <summary>The names in rules are looked up, programs too.</summary>
    public override int BytesForAll => 1024 * 1024;

    public override void Try(Trial trial)
    {
        byte[] text = trial.Input;
        int end = text.AsSpan().IndexOf((byte)0);
        byte[][] contents = end < 0 ? [text] : [text[..end], text[(end + 1)..]];
        DaemonOptions options;
        try
        {
            options = trial.Measured(() => ConfigurationFiles.Merge(
                [.. contents.Select((content, i) => ConfigurationFile.Parse($"{i}.json", content))]).Options);
            _ = PolicyReader.Read(options.Policy, SystemNames.Instance);
        }
        catch (ConfigurationException refused)
        {
            Trial.Holds(refused.Problems.Count > 0, "it is refused without a problem");
            foreach (string problem in refused.Problems)
                Trial.IsReason(problem, 2000 + (2 * text.Length));
            return;
        }

        trial.Accept();
        foreach ((string name, CommandOptions command) in options.Commands)
            IsUsable(new CommandJob(name, command));
    }

    /// <summary>Without arguments the command is described, and gives a command line or names the missing argument.</summary>
    private static void IsUsable(CommandJob command)
    {
        _ = command.Description;
        _ = command.Restrictions.Sandbox.ToSandbox();
        try
        {
            string[] line = command.CommandLineAsync(null, default, PolicyWorld.Patterns).AsTask().GetAwaiter().GetResult();
            Trial.Holds(line is [['/', ..], ..], "a command line begins with no program");
        }
        catch (RefusedException refused)
        {
            Trial.IsReason(refused.Message);
        }
    }
}

using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Commands;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Tests.Authorization;
using PipeForkAs.Fuzz.Driver;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Fuzz.Targets;

/// <summary>The arguments of a request on their way to a command line and to an audit record.</summary>
internal sealed class CommandTarget : Target
{
    private static readonly ArgumentDigest Digest = new();

    private readonly CommandJob command = new("c", new CommandOptions
    {
        Command = ["/usr/bin/env", "{count}", "{flag}", "{factor}", "--", "{path}", "-{other}"],
        Parameters = new Dictionary<string, ParameterOptions>
        {
            ["path"] = new() { Type = "string", Pattern = "[a-z/.-]+" },
            ["count"] = new() { Type = "integer", Default = "7", AllowLeadingDash = true },
            ["factor"] = new() { Type = "number", Default = "1" },
            ["flag"] = new() { Type = "boolean", Default = "True" },
        },
    });

    public override string Name => "command";

    public override int MaxLength => 1024;

    /// <summary>Canonical arguments are written, sorted and digested.</summary>
    public override int BytesForEach => 256;

    public override void Try(Trial trial)
    {
        byte[]? arguments;
        try
        {
            arguments = Request.Parse([.. "{\"job\":\"c\",\"args\":"u8, .. trial.Input, (byte)'}']).Arguments;
        }
        catch (RequestException)
        {
            return;
        }

        if (arguments is null)
            return;
        string[]? line = Line(trial, arguments);
        byte[] canonical = trial.Measured(() => ArgumentDigest.Canonical(arguments));
        Trial.Holds(canonical.AsSpan().SequenceEqual(ArgumentDigest.Canonical(canonical)), "the canonical form has another canonical form");
        Trial.Holds(Json.Same(arguments, canonical), "the canonical form has another meaning");
        string digest = Digest.Of("c", UserId.Root, arguments);
        Trial.Holds(digest == Digest.Of("c", UserId.Root, canonical), "the digest depends on more than the canonical form");
        string shown = ArgumentDigest.Audited(arguments, ["path"])!;
        Trial.Holds(!shown.Any(char.IsControl), "the record is not one line");
        if (line is null)
            return;

        trial.Accept();
        Trial.Holds(
            line is ["/usr/bin/env", _, "true" or "false", _, "--", _, "-{other}"], $"the command line is {string.Join('|', line)}");
        Trial.Holds(long.TryParse(line[1], out _), $"the integer is {line[1]}");
        Trial.Holds(line[3].All(IsOfNumber), $"the number is {line[3]}");
        Trial.Holds(line[3][0] != '-', $"the word {line[3]} is an option");
        Trial.Holds(line[5].Length > 0 && line[5].All(IsOfPath), $"the path is {line[5]}");
    }

    private static bool IsOfNumber(char letter) => char.IsAsciiDigit(letter) || letter is '+' or '-' or '.' or 'e' or 'E';

    private static bool IsOfPath(char letter) => char.IsAsciiLetterLower(letter) || letter is '/' or '.' or '-';

    private string[]? Line(Trial trial, byte[] arguments)
    {
        try
        {
            return trial.Measured(
                () => command.CommandLineAsync(arguments, default, PolicyWorld.Patterns).AsTask().GetAwaiter().GetResult());
        }
        catch (RefusedException refused)
        {
            Trial.IsReason(refused.Message);
            return null;
        }
    }
}

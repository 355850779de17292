using System.Diagnostics;
using System.Globalization;
using PipeForkAs.Bench.Contenders;

namespace PipeForkAs.Bench.Cases;

/// <summary>What the command costs.</summary>
/// <param name="Field">How long it takes, beside the commands that start a program as a user.</param>
/// <param name="Streams">How long its streams take.</param>
/// <param name="Threads">The most threads that it had while a job ran.</param>
internal sealed record CommandResult(Comparison Field, Comparison Streams, int Threads);

internal static class CommandCase
{
    public const string Name = "pipeforkas run";
    public const string RunuserName = "runuser -u";
    public const string Out = "pipeforkas run, out";
    public const string InAndOut = "pipeforkas run cat, in and out";
    private const string FormerSuffix = " (former)";

    public static async Task<CommandResult> RunAsync(Place place)
    {
        await using Server daemon = await Daemon.StartAsync(place);
        return new CommandResult(await FieldAsync(place, daemon), await StreamsAsync(place, daemon), await ThreadsAsync(place, daemon));
    }

    private static Task<Comparison> FieldAsync(Place place, Server daemon)
    {
        string user = place.User.Name;
        var entrants = new List<Entrant>();
        void Add(string name, params string[] command)
        {
            if (Tool.Find(command[0]) is { } program || File.Exists(program = command[0]))
                entrants.Add(new Entrant(
                    name,
                    [
                        "-n", Text(place.Settings.Requests), "-t", place.Settings.RoundSeconds.ToString(CultureInfo.InvariantCulture),
                            "-w", "5", "-e", $"uid={place.User.Uid}", "--", program, .. command[1..],
                    ]));
        }

        Add("setpriv --reuid", "setpriv", $"--reuid={user}", $"--regid={user}", "--init-groups", "id");
        Add(RunuserName, "runuser", "-u", user, "--", "id");
        Add(Field.SudoName, "sudo", "-n", "-u", user, "id");
        foreach ((string program, string suffix) in Programs(place))
            Add(Name + suffix, program, "--socket", daemon.Socket, "run", "id", "--user", user);
        return Comparison.RunAsync(place, "The command, one client", place.Settings.Rounds, entrants);
    }

    /// <summary>Pipelines of a shell, and the same ones without the command.</summary>
    private static Task<Comparison> StreamsAsync(Place place, Server daemon)
    {
        string bytes = Text(place.Settings.RelayBytes);
        var entrants = new List<Entrant>();
        void Add(string name, string pipeline) => entrants.Add(
            new Entrant(name, ["-n", "1", "-x", bytes, "--", "/bin/sh", "-c", pipeline]));

        Add("cat between two pipes", $"head -c {bytes} /dev/zero | cat | wc -c");
        foreach ((string program, string suffix) in Programs(place))
        {
            string run = $"{program} --socket {daemon.Socket} run --user {place.User.Name}";
            Add(Out + suffix, $"{run} {Daemon.WriteJob} bytes={bytes} </dev/null | wc -c");
            Add(InAndOut + suffix, $"head -c {bytes} /dev/zero | {run} cat | wc -c");
        }

        return Comparison.RunAsync(
            place, $"Streams of the command, {place.Settings.RelayBytes >> 20:N0} MiB", place.Settings.Rounds, entrants);
    }

    private static async Task<int> ThreadsAsync(Place place, Server daemon)
    {
        using var process = Process.Start(new ProcessStartInfo(
            place.Native("pipeforkas"), ["--socket", daemon.Socket, "run", "--user", place.User.Name, Daemon.SleepJob])
        { RedirectStandardInput = true })!;
        int most = 0;
        while (!process.HasExited)
        {
            most = Math.Max(most, Threads(process.Id));
            await Task.Delay(1, place.Cancellation);
        }

        if (process.ExitCode != 0)
            place.Problems.Add($"{Daemon.SleepJob}: exit {process.ExitCode}");
        return most;
    }

    /// <summary>The threads of a process; 0 of one that has ended.</summary>
    private static int Threads(int pid)
    {
        try
        {
            string line = File.ReadLines($"/proc/{pid}/status").First(text => text.StartsWith("Threads:", StringComparison.Ordinal));
            return int.Parse(line["Threads:".Length..], CultureInfo.InvariantCulture);
        }
        catch (Exception gone) when (gone is IOException or InvalidOperationException)
        {
            return 0;
        }
    }

    private static IEnumerable<(string Program, string Suffix)> Programs(Place place)
    {
        yield return (place.Native("pipeforkas"), "");
        if (place.Settings.Former is { } former)
            yield return (former, FormerSuffix);
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}

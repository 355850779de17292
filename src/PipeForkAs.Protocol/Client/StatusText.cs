using System.Globalization;
using PipeForkAs.Client;

namespace PipeForkAs.Protocol.Client;

/// <summary>Formats the result of <c>status</c> for people.</summary>
public static class StatusText
{
    /// <summary>Returns the lines, without line ends and escaped: the names of users and paths are untrusted.</summary>
    public static IEnumerable<string> Lines(DaemonStatus status)
    {
        ArgumentNullException.ThrowIfNull(status);
        return LinesOf(status).Select(UntrustedText.Escape);
    }

    private static IEnumerable<string> LinesOf(DaemonStatus status)
    {
        yield return $"pipeforkasd {status.Version}, up {Time(status.Uptime)}";
        yield return Invariant($"requests: {status.Served} served, {status.Refused} refused, {status.Waiting} waiting");
        if (status.Codes.Values.Any(count => count > 0))
            yield return $"  {Codes(status)}";
        if (status.Loop is { } loop)
        {
            string step = loop.LongestStep is null ? "" : $" ({loop.LongestStep})";
            yield return Invariant($"event loop: longest turn {loop.Longest.TotalMilliseconds:0.#} ms{step}");
        }

        if (status.Records is { } records && (records.Suppressed > 0 || records.Lines > 0 || records.Waiting > 0 || records.Lost > 0))
            yield return $"records: {Records(records)}";
        foreach (JobHostStatus host in status.Hosts ?? [])
        {
            string state = $"{(host.Well ? "" : "not well, ")}{(host.Draining ? "draining, " : "")}pid {string.Join(", ", host.Pids)}";
            yield return Invariant($"job host {host.Path}: {state}; {host.Ready} of {host.Workers} workers ready");
        }

        if (status.FormerDaemon is { } former)
            yield return Invariant($"former daemon: pid {former}, exits after its last job");
        yield return Invariant(
            $"jobs: {status.Running} running{(status.Jobs.Count < status.Running ? $", {status.Jobs.Count} of them yours" : "")}");
        if (status.Jobs.Count == 0)
            yield break;

        string[][] rows =
        [
            ["ID", "AGE", "CALLER", "USER", "PID", "JOB"],
            .. status.Jobs.Select(
                job => (string[])[
                    Invariant($"{job.Id}"), Time(job.Age), Invariant($"{job.Caller}"), job.User, Invariant($"{job.Pid}"), job.Job]),
        ];
        foreach (string[] row in rows)
            yield return "  "
                + string.Join(
                    "  ", row.Select(
                        (cell, column) => column == row.Length - 1 ? cell : cell.PadRight(rows.Max(other => other[column].Length))));
    }

    private static string Records(RecordStatus records) => string.Join(", ", ((string?[])
    [
        Invariant($"{records.Suppressed} summed up"),
        records.Lines > 0 ? Invariant($"{records.Lines} log lines suppressed") : null,
        records.Waiting > 0 ? Invariant($"{records.Waiting} waiting for the audit file") : null,
        records.Lost > 0 ? Invariant($"{records.Lost} not in the audit file") : null,
    ]).OfType<string>());

    /// <summary>Formats a time for people: <c>4.2 s</c>, <c>1:02:03</c>, <c>3 d 1:02:03</c>.</summary>
    private static string Time(TimeSpan time)
    {
        if (time.TotalSeconds < 60)
            return time.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture) + " s";
        return (time.Days > 0 ? Invariant($"{time.Days} d ") : "") + Invariant($"{time.Hours}:{time.Minutes:00}:{time.Seconds:00}");
    }

    private static string Codes(DaemonStatus status) =>
        string.Join(", ", status.Codes.Where(code => code.Value > 0).Select(code => Invariant($"{code.Key} {code.Value}")));

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}

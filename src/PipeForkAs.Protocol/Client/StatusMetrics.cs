using System.Globalization;
using System.Text;
using PipeForkAs.Client;

namespace PipeForkAs.Protocol.Client;

/// <summary>
/// Formats the result of <c>status</c> as metrics, in the text exposition format of Prometheus (version 0.0.4). The metrics do not include
/// single jobs, because their number has no bound. Omits values that the caller may not know.
/// </summary>
public static class StatusMetrics
{
    /// <summary>Returns the metrics, each after its HELP and TYPE lines. The text ends with a line end, as the format requires.</summary>
    public static string Of(DaemonStatus status)
    {
        ArgumentNullException.ThrowIfNull(status);
        StringBuilder text = new();
        Add(text, "info", "gauge", "The daemon's version.", ("version", status.Version, 1));
        Add(text, "uptime_seconds", "gauge", "Seconds since the daemon started.", ("", "", status.Uptime.TotalSeconds));
        Add(text, "jobs_running", "gauge", "Running jobs.", ("", "", status.Running));
        Add(text, "requests_waiting", "gauge", "Requests that wait for a running job to end.", ("", "", status.Waiting));
        Add(text, "requests_refused_total", "counter", "Refused requests, for which nothing was run.", ("", "", status.Refused));
        Add(text, "requests_total", "counter", "Requests with a reply, by the code of the reply.",
            [.. status.Codes.Select(code => ("code", code.Key, (double)code.Value))]);
        AddDurations(text, status.Durations);
        if (status.Denials is { } denials)
        {
            Add(text, "denials_total", "counter", "Requests to run a job that the policy denied, by rule; no rule: none allowed it.",
                [.. denials.Select(denial => ("rule", denial.Rule ?? "", (double)denial.Count))]);
        }

        if (status.Loop is { } loop)
            AddTurns(text, loop);
        AddRecords(text, status.Records);
        if (status.Hosts is not { Count: > 0 } hosts)
            return text.ToString();

        Add(text, "job_host_up", "gauge", "Whether a process of the job host can fork, and answers.", PerHost(host => host.Well ? 1 : 0));
        Add(text, "job_host_processes", "gauge", "Processes of the job host.", PerHost(host => host.Pids.Count));
        Add(text, "job_host_workers_ready", "gauge", "Workers that wait for a request.", PerHost(host => host.Ready));
        Add(text, "job_host_workers_wanted", "gauge", "Workers that should wait, from the configuration and the recent requests.",
            PerHost(host => host.Workers));
        if (hosts.Any(host => host.Misses is not null))
        {
            Add(text, "job_host_worker_misses_total", "counter", "Requests that found no ready worker and waited for a fork.",
                PerHost(host => host.Misses ?? 0));
        }

        Add(
            text, "job_hosts_draining", "gauge", "Replaced job hosts that exit after their last job.",
            ("", "", hosts.Count(host => host.Draining)));
        return text.ToString();

        // Each path has one sample, because several job hosts with one path may be draining.
        (string, string, double)[] PerHost(Func<JobHostStatus, double> value) =>
            [.. hosts.Where(host => !host.Draining).Select(host => ("path", host.Path, value(host)))];
    }

    private static void AddDurations(StringBuilder text, IReadOnlyDictionary<string, DurationStatus>? durations)
    {
        if (durations is not { Count: > 0 })
            return;
        AddHistogram(
            text, "job_duration_seconds", "Jobs by kind and by the time from the connection to the end.",
            [.. durations.Select(duration => new Series(
                "kind", duration.Key, duration.Value.Jobs, duration.Value.Total,
                duration.Value.Histogram.Select(bucket => (bucket.UpTo, bucket.Jobs))))]);
    }

    private static void AddTurns(StringBuilder text, LoopStatus loop)
    {
        AddHistogram(
            text, "loop_turn_seconds", "Turns of the event loop by duration; other requests wait during a turn.",
            new Series("", "", loop.Turns, loop.Total, loop.Histogram.Select(bucket => (bucket.UpTo, bucket.Turns))));
        const string Longest = "The longest turn of the event loop since the daemon started.";
        Add(text, "loop_longest_turn_seconds", "gauge", Longest, ("", "", loop.Longest.TotalSeconds));
    }

    private static void AddRecords(StringBuilder text, RecordStatus? records)
    {
        if (records is null)
            return;
        Add(
            text, "audit_records_suppressed_total", "counter", "Audit records that a summary record counts instead.",
            ("", "", records.Suppressed));
        Add(text, "log_lines_suppressed_total", "counter", "Suppressed log lines.", ("", "", records.Lines));
        if (records.Waiting is { } waiting)
            Add(text, "audit_records_waiting", "gauge", "Records that wait for the audit file.", ("", "", waiting));
        if (records.Lost is { } lost)
            Add(text, "audit_records_lost_total", "counter", "Records that are missing in the audit file.", ("", "", lost));
    }

    private static void Add(
        StringBuilder text, string name, string type, string help, params (string Label, string Word, double Value)[] samples)
    {
        text.Append(CultureInfo.InvariantCulture, $"# HELP pipeforkas_{name} {help}\n# TYPE pipeforkas_{name} {type}\n");
        foreach ((string label, string word, double value) in samples)
        {
            string labels = label.Length == 0 ? "" : $"{{{label}=\"{Escape(word)}\"}}";
            text.Append(CultureInfo.InvariantCulture, $"pipeforkas_{name}{labels} {value}\n");
        }
    }

    private static void AddHistogram(StringBuilder text, string name, string help, params Series[] series)
    {
        text.Append(CultureInfo.InvariantCulture, $"# HELP pipeforkas_{name} {help}\n# TYPE pipeforkas_{name} histogram\n");
        foreach (Series one in series)
        {
            string label = one.Label.Length == 0 ? "" : $"{one.Label}=\"{Escape(one.Word)}\"";
            string before = label.Length == 0 ? "" : $"{label},", whole = label.Length == 0 ? "" : $"{{{label}}}";
            foreach ((TimeSpan upTo, long count) in one.Buckets)
                text.Append(CultureInfo.InvariantCulture, $"pipeforkas_{name}_bucket{{{before}le=\"{upTo.TotalSeconds}\"}} {count}\n");
            text.Append(CultureInfo.InvariantCulture, $"pipeforkas_{name}_bucket{{{before}le=\"+Inf\"}} {one.Count}\n");
            text.Append(CultureInfo.InvariantCulture, $"pipeforkas_{name}_sum{whole} {one.Total.TotalSeconds}\n");
            text.Append(CultureInfo.InvariantCulture, $"pipeforkas_{name}_count{whole} {one.Count}\n");
        }
    }

    /// <summary>Escapes the value of a label as the format requires, after what could control a terminal.</summary>
    private static string Escape(string word) =>
        string.Join('\n', word.Split('\n').Select(UntrustedText.Escape)).Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    /// <summary>One series of a histogram.</summary>
    private readonly record struct Series(
        string Label, string Word, long Count, TimeSpan Total, IEnumerable<(TimeSpan UpTo, long Count)> Buckets);
}

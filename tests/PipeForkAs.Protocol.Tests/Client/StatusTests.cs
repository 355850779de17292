using System.Text.RegularExpressions;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Protocol.Tests.Client;

/// <summary>Tests the text and the Prometheus metrics of <c>status</c>.</summary>
public sealed partial class StatusTests
{
    private static readonly DaemonStatus All = new()
    {
        Version = "1.2.3",
        Uptime = TimeSpan.FromSeconds(266_645.4),
        Hosts = [new("/usr/libexec/jobs", [11, 12], 3, 4, Well: true), new("/opt/own", [], 0, 2, Well: false)],
        Jobs =
        [
            new() { Id = 9, Job = "cat", Caller = 33, User = "alice", Uid = 1001, Pid = 4711, Age = TimeSpan.FromSeconds(61) },
            new() { Id = 10, Job = "disk-usage", Caller = 0, User = "bo", Uid = 1002, Pid = 4712, Age = TimeSpan.FromSeconds(0.25) },
        ],
        Running = 2,
        Waiting = 1,
        Served = 12,
        Refused = 3,
        Codes = new Dictionary<string, long> { ["denied"] = 3, ["busy"] = 0, ["ok"] = 12 },
        Loop = new()
        {
            Turns = 9,
            Total = TimeSpan.FromSeconds(0.25),
            Longest = TimeSpan.FromSeconds(0.0125),
            LongestStep = "a client",
            Histogram = [new(TimeSpan.FromSeconds(0.001), 7), new(TimeSpan.FromSeconds(0.01), 8)],
        },
    };

    [Fact]
    public void The_text_form_has_lines_and_a_table() => Assert.Equal(
        """
        pipeforkasd 1.2.3, up 3 d 2:04:05
        requests: 12 served, 3 refused, 1 waiting
          denied 3, ok 12
        event loop: longest turn 12.5 ms (a client)
        job host /usr/libexec/jobs: pid 11, 12; 3 of 4 workers ready
        job host /opt/own: not well, pid ; 0 of 2 workers ready
        jobs: 2 running
          ID  AGE      CALLER  USER   PID   JOB
          9   0:01:01  33      alice  4711  cat
          10  0.3 s    0       bo     4712  disk-usage
        """, string.Join('\n', StatusText.Lines(All)));

    [Fact]
    public void A_caller_that_does_not_see_all_jobs_sees_how_many_there_are() => Assert.Equal(
        """
        pipeforkasd 1.2.3, up 2.0 s
        requests: 0 served, 0 refused, 0 waiting
        jobs: 2 running, 0 of them yours
        """, string.Join(
            '\n', StatusText.Lines(
                All with
                {
                    Uptime = TimeSpan.FromSeconds(2),
                    Served = 0,
                    Refused = 0,
                    Waiting = 0,
                    Hosts = null,
                    Jobs = [],
                    Loop = null,
                    Codes = new Dictionary<string, long> { ["ok"] = 0 }
                })));

    [Fact]
    public void Every_line_is_valid_for_Prometheus_and_each_metric_has_HELP_and_TYPE_first()
    {
        string text = StatusMetrics.Of(All);
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        string? declared = null;
        foreach (string line in text[..^1].Split('\n'))
        {
            Match match = Line().Match(line);
            Assert.True(match.Success, line);
            if (match.Groups["help"].Success)
                declared = match.Groups["help"].Value;
            string named = match.Groups["type"].Success ? match.Groups["type"].Value : match.Groups["help"].Success
                ? declared!
                : match.Groups["name"].Value;
            Assert.Equal(declared, HistogramPart().Replace(named, ""));
        }

        Assert.Equal(text.Split("# HELP").Length, text.Split("# TYPE").Length);
        foreach (string sample in new[]
        {
            "pipeforkas_info{version=\"1.2.3\"} 1", "pipeforkas_uptime_seconds 266645.4", "pipeforkas_jobs_running 2",
                "pipeforkas_requests_waiting 1", "pipeforkas_requests_refused_total 3",
            "pipeforkas_requests_total{code=\"denied\"} 3", "pipeforkas_requests_total{code=\"busy\"} 0",
                "pipeforkas_job_host_processes{path=\"/usr/libexec/jobs\"} 2",
            "pipeforkas_loop_turn_seconds_bucket{le=\"0.001\"} 7", "pipeforkas_loop_turn_seconds_bucket{le=\"+Inf\"} 9",
            "pipeforkas_loop_turn_seconds_sum 0.25", "pipeforkas_loop_turn_seconds_count 9", "pipeforkas_loop_longest_turn_seconds 0.0125",
            "pipeforkas_job_host_workers_ready{path=\"/usr/libexec/jobs\"} 3",
                "pipeforkas_job_host_workers_wanted{path=\"/usr/libexec/jobs\"} 4", "pipeforkas_job_host_up{path=\"/opt/own\"} 0",
            "pipeforkas_job_hosts_draining 0",
        })
        {
            Assert.Contains($"\n{sample}\n", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Records_are_shown_if_any_exist_and_are_always_in_the_metrics()
    {
        DaemonStatus quiet = All with { Records = new(0, 0, 0, 0) }, loud = All with { Records = new(4711, 3, 2, 1) };
        DaemonStatus others = All with { Records = new(4711, 0, null, null) };
        Assert.Equal(StatusText.Lines(All), StatusText.Lines(quiet));
        const string Told = "records: 4711 summed up, 3 log lines suppressed, 2 waiting for the audit file, 1 not in the audit file";
        Assert.Contains(Told, StatusText.Lines(loud));
        Assert.Contains("records: 4711 summed up", StatusText.Lines(others));

        string[] samples = [
            "audit_records_suppressed_total 4711", "log_lines_suppressed_total 3", "audit_records_waiting 2", "audit_records_lost_total 1"];
        Assert.All(samples, sample => Assert.Contains($"\npipeforkas_{sample}\n", StatusMetrics.Of(loud), StringComparison.Ordinal));
        Assert.All(StatusMetrics.Of(loud)[..^1].Split('\n'), line => Assert.Matches(Line(), line));
        Assert.Contains("\npipeforkas_audit_records_suppressed_total 4711\n", StatusMetrics.Of(others), StringComparison.Ordinal);
        Assert.DoesNotContain("lost", StatusMetrics.Of(others), StringComparison.Ordinal);
        Assert.DoesNotContain("suppressed", StatusMetrics.Of(All), StringComparison.Ordinal);
    }

    [Fact]
    public void Jobs_denials_and_missing_workers_are_counted_by_kind_rule_and_job_host()
    {
        Assert.DoesNotContain("denials", StatusMetrics.Of(All), StringComparison.Ordinal);
        Assert.DoesNotContain("misses", StatusMetrics.Of(All), StringComparison.Ordinal);
        string text = StatusMetrics.Of(All with
        {
            Durations = new Dictionary<string, DurationStatus>
            {
                ["text"] = new() { Jobs = 3, Total = TimeSpan.FromSeconds(2.5), Histogram = [new(TimeSpan.FromSeconds(0.01), 1)] },
                ["command"] = new() { Jobs = 0, Total = TimeSpan.Zero, Histogram = [new(TimeSpan.FromSeconds(0.01), 0)] },
            },
            Denials = [new(null, 4), new("no \"root\"", 5)],
            Hosts = [new("/jobs", [1], 1, 1, true, Misses: 6), new("/jobs", [2], 0, 0, true, Draining: true, Misses: 7)],
        });

        string[] samples =
        [
            """job_duration_seconds_bucket{kind="text",le="0.01"} 1""", """job_duration_seconds_bucket{kind="text",le="+Inf"} 3""",
            """job_duration_seconds_sum{kind="text"} 2.5""", """job_duration_seconds_count{kind="text"} 3""",
            """job_duration_seconds_count{kind="command"} 0""", """denials_total{rule=""} 4""",
            """denials_total{rule="no \"root\""} 5""", """job_host_worker_misses_total{path="/jobs"} 6""",
        ];
        Assert.All(samples, sample => Assert.Contains($"\npipeforkas_{sample}\n", text, StringComparison.Ordinal));
        Assert.All(text[..^1].Split('\n'), line => Assert.Matches(Line(), line));
        Assert.DoesNotContain(" 7\n", text[text.IndexOf("job_host", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    [Fact]
    public void A_label_value_cannot_end_the_label_or_the_line()
    {
        string text = StatusMetrics.Of(All with { Hosts = [new("/a\"} 1\nb\\", [1], 1, 1, true)] });
        Assert.Contains("""pipeforkas_job_host_up{path="/a\"} 1\nb\\"} 1""" + "\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("\nb", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_label_value_cannot_control_a_terminal()
    {
        string text = StatusMetrics.Of(All with { Version = "1\e[2J\r\u202E", Hosts = [new("/\u009B31m\0", [1], 1, 1, true)] });
        Assert.Contains("""pipeforkas_info{version="1\\u001b[2J\\r\\u202e"} 1""" + "\n", text, StringComparison.Ordinal);
        Assert.Contains("""pipeforkas_job_host_up{path="/\\u009b31m\\u0000"} 1""" + "\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_caller_that_does_not_see_job_hosts_gets_no_metrics_of_them() =>
        Assert.DoesNotContain("job_host", StatusMetrics.Of(All with { Hosts = null }), StringComparison.Ordinal);

    /// <summary>The suffixes of the samples of a histogram.</summary>
    [GeneratedRegex("(?<=_turn_seconds)_(?:bucket|sum|count)$")]
    private static partial Regex HistogramPart();

    private const string Label = "[a-z]+=\"(?:[^\"\\\\\\n]|\\\\[\\\\\"n])*\"";

    /// <summary>https://prometheus.io/docs/instrumenting/exposition_formats/, the used part.</summary>
    [GeneratedRegex(
        """^(?:# HELP (?<help>pipeforkas_[a-z_]+) [^\\]+|# TYPE (?<type>pipeforkas_[a-z_]+) """
        + """(?:gauge|counter|histogram)|(?<name>pipeforkas_[a-z_]+)(?:\{"""
        + Label + "(?:," + Label + """)*\})? [0-9.]+)$""")]
    private static partial Regex Line();
}

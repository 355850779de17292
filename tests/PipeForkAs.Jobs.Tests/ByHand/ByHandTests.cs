namespace PipeForkAs.Jobs.Tests.ByHand;

public class ByHandTests
{
    [Theory]
    [InlineData]
    [InlineData("list")]
    public async Task Jobs_are_listed_with_kind_and_description(params string[] args)
    {
        Ended ended = await HostProcess.StockAsync(args);
        Assert.Equal(0, ended.ExitCode);
        string[] lines = ended.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(
            [
                "business-logic", "id", "echo", "cat", "list-directory", "read-file", "write-file", "make-directory", "rename", "remove",
                "stat", "archive-directory", "disk-usage", "environment",
            ],
            lines.Select(line => line.Split(' ')[0]));
        Assert.Matches("^cat +streaming +Copy standard input to standard output$", lines[3]);
    }

    [Fact]
    public async Task A_job_is_described_with_its_arguments_and_their_schema()
    {
        Ended ended = await HostProcess.StockAsync("describe", "list-directory");
        Assert.Equal(0, ended.ExitCode);
        Assert.StartsWith("list-directory (typed): List a directory", ended.Output);
        Assert.Matches("\n  path +text", ended.Output);
        Assert.Contains("\"additionalProperties\": false", ended.Output);
    }

    [Fact]
    public async Task A_job_without_arguments_is_described_as_such()
    {
        Ended ended = await HostProcess.StockAsync("describe", "environment");
        Assert.Contains("takes no arguments", ended.Output);
        Assert.Contains("LANG, LC_ALL, TZ, TERM", ended.Output);
    }

    [Fact]
    public async Task A_job_runs_in_the_process()
    {
        Ended ended = await HostProcess.StockAsync("run", "business-logic");
        Assert.Equal(new Ended(0, "eggman", ""), ended);
    }

    [Fact]
    public async Task Input_passes_through() =>
        Assert.Equal(new Ended(0, "abc\ndef", ""), await HostProcess.RunAsync("pipeforkas-jobs.dll", ["run", "cat"], "abc\ndef"));

    [Fact]
    public async Task Arguments_may_be_pairs() =>
        Assert.Equal("{\"sum\":-4}\n", (await HostProcess.TestAsync("run", "sum", "a=1", "b=-5")).Output);

    [Fact]
    public async Task Arguments_may_be_JSON() =>
        Assert.Equal("{\"sum\":3}\n", (await HostProcess.TestAsync("run", "sum", "--args", """{"a":1,"b":2}""")).Output);

    [Fact]
    public async Task The_exit_code_is_that_of_the_job() =>
        Assert.Equal(77, (await HostProcess.TestAsync("run", "exit", "code=77")).ExitCode);

    [Fact]
    public async Task An_unknown_job_is_reported_with_the_existing_names()
    {
        Ended ended = await HostProcess.StockAsync("run", "nope");
        Assert.Equal(127, ended.ExitCode);
        Assert.StartsWith("error: there is no job \"nope\"; the jobs are business-logic, id, ", ended.Error);
        Assert.Equal(127, (await HostProcess.StockAsync("describe", "nope")).ExitCode);
    }

    [Theory]
    [InlineData("the argument a must be an integer", "run", "sum", "--args", """{"a":"x","b":2}""")]
    [InlineData("the argument b is missing", "run", "sum", "a=1")]
    [InlineData("the argument a must be an integer, not \"x\"", "run", "sum", "a=x")]
    [InlineData("the job has no argument c", "run", "sum", "c=1")]
    [InlineData("use one of them", "run", "sum", "a=1", "--args", "{}")]
    [InlineData("takes no arguments", "run", "randoms", "a=1")]
    [InlineData("NAME=VALUE", "run", "sum", "7")]
    [InlineData("nonsense", "nonsense")]
    public async Task Bad_arguments_are_reported_with_exit_code_125(string reason, params string[] args)
    {
        Ended ended = await HostProcess.TestAsync(args);
        Assert.Equal(125, ended.ExitCode);
        Assert.Contains(reason, ended.Error);
        Assert.StartsWith("error: ", ended.Error);
        Assert.Equal("", ended.Output);
    }

    [Fact]
    public async Task An_exception_is_reported_with_type_and_message() =>
        Assert.Equal(
            new Ended(1, "", "error: System.InvalidOperationException: boo\n"), await HostProcess.TestAsync("run", "throw", "message=boo"));

    [Theory]
    [InlineData("threads")]
    [InlineData("tasks")]
    [InlineData("timers")]
    [InlineData("finalizers")]
    [InlineData("finalizers-unawaited")]
    [InlineData("async-files")]
    [InlineData("exceptions")]
    public async Task Features_of_workers_are_available_by_hand(string job) =>
        Assert.Equal(new Ended(0, "ok\n", ""), await HostProcess.TestAsync("run", job));

    [Theory]
    [InlineData("list")]
    [InlineData("describe", "sum")]
    [InlineData("run", "sum", "a=1", "b=2")]
    public async Task A_thread_that_the_registration_started_is_reported(params string[] args)
    {
        Ended ended = await HostProcess.BadAsync("thread", args);
        Assert.Equal(0, ended.ExitCode);
        Assert.StartsWith("warning: 2 threads after the jobs were registered: the daemon would refuse this job host; ", ended.Error);
        Assert.Contains("Console", ended.Error);
        Assert.Equal("", (await HostProcess.TestAsync(args)).Error);
    }

    [Fact]
    public async Task A_rejected_registration_is_reported_without_a_stack_trace()
    {
        Ended ended = await HostProcess.BadAsync("name", "list");
        Assert.Equal(1, ended.ExitCode);
        Assert.StartsWith("error: a job's name must be ", ended.Error);
        Assert.DoesNotContain("   at ", ended.Error);
    }

    [Fact]
    public async Task An_audited_argument_must_be_an_argument_of_the_job()
    {
        Ended ended = await HostProcess.BadAsync("shown", "list");
        Assert.Equal(
            new Ended(1, "", "error: the job shown audits the argument \"Told\", which it does not have; it has told, secret\n"), ended);
    }

    [Fact]
    public async Task An_exception_of_the_author_keeps_its_stack_trace()
    {
        Ended ended = await HostProcess.BadAsync("throw", "list");
        Assert.NotEqual(0, ended.ExitCode);
        Assert.Contains("the author's own", ended.Error);
        Assert.Contains("   at PipeForkAs.TestJobs.BadRegistration.Try", ended.Error);
    }

    [Fact]
    public async Task A_sandbox_that_is_not_applied_causes_a_warning()
    {
        Ended ended = await HostProcess.TestAsync("run", "boxed");
        Assert.StartsWith("warning: the sandbox of boxed is not applied", ended.Error);
        Assert.Equal("", (await HostProcess.TestAsync("run", "sum", "a=1", "b=2")).Error);
    }

    [Fact]
    public async Task A_job_host_on_CoreCLR_does_not_serve()
    {
        // Without a daemon it exits silently.
        Ended ended = await HostProcess.StockAsync("--serve-pipeforkas");
        Assert.Equal(1, ended.ExitCode);
    }
}

using PipeForkAs.Client;
using PipeForkAs.Jobs.Testing;

namespace TemplateNamespace.Tests;

/// <summary>Runs the jobs in this process, without a fork and a daemon.</summary>
public sealed class JobTests
{
    private readonly JobTester jobs = new(RegisteredJobs.Register);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_job_knows_its_user()
    {
        JobOutput output = await jobs.CaptureAsync(jobs.Request("whoami"), cancellationToken: Token);
        Assert.Equal($"{jobs.User.Name}\n", output.EnsureSuccess().StdoutText);
    }

    [Fact]
    public async Task A_typed_job_takes_and_returns_records()
    {
        JobOutput output = await jobs.CaptureAsync(jobs.Request("greet", "Name=World"), cancellationToken: Token);
        Assert.Equal("Hello, World", output.EnsureSuccess().ReadJson(JobsJson.Default.Greeted).Text);
    }

    [Fact]
    public async Task Arguments_that_do_not_fit_are_refused()
    {
        JobOutput output = await jobs.CaptureAsync(jobs.Request("greet"), cancellationToken: Token);
        Assert.Equal(ReplyCode.BadArguments, output.Result.Code);
        Assert.Equal("the argument Name is missing; it must be text", output.Result.Message);
    }

    [Fact]
    public async Task A_streaming_job_reads_and_writes_lines()
    {
        JobOutput output = await jobs.CaptureTextAsync(jobs.Request("upper"), "one\ntwo\n", Token);
        Assert.Equal("ONE\nTWO\n", output.EnsureSuccess().StdoutText);
    }
}

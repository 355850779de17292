using System.Globalization;
using System.Text;

namespace PipeForkAs.Jobs.Testing.Tests;

public sealed class JobTesterTests
{
    /// <summary>In milliseconds.</summary>
    private const int Patience = 60_000;

    private readonly JobTester jobs = new(SampleJobs.Register);

    [Fact(Timeout = Patience)]
    public async Task A_text_job_gives_its_text()
    {
        JobOutput output = await jobs.CaptureAsync(new JobRequest("motto"));
        Assert.Equal("eggman", output.EnsureSuccess().StdoutText);
        JobResult result = output.Result;
        Assert.Equal((ReplyCode.Ok, 0, "motto", 6L), (result.Code, result.ExitCode, result.Job, result.StdoutBytes));
    }

    [Fact(Timeout = Patience)]
    public async Task A_typed_job_takes_words_and_gives_a_record()
    {
        JobOutput output = await jobs.CaptureAsync(jobs.Request("greet", "Name=World"));
        Assert.Equal("Hello, World", output.EnsureSuccess().ReadJson(SampleJson.Default.Greeted).Text);
    }

    [Fact(Timeout = Patience)]
    public async Task A_typed_job_takes_a_record()
    {
        JobRequest request = new JobRequest("greet").WithArguments(new Greeting("World"), SampleJson.Default.Greeting);
        Assert.Equal("Hello, World", (await jobs.CaptureAsync(request)).ReadJson(SampleJson.Default.Greeted).Text);
    }

    [Fact(Timeout = Patience)]
    public async Task A_streaming_job_has_both_outputs_and_an_exit_code()
    {
        JobOutput output = await jobs.CaptureAsync(new JobRequest("fail"));
        Assert.Equal(("out", "err!"), (output.StdoutText, output.StderrText));
        Assert.Equal((ReplyCode.Failed, 7, 3L, 4L, "the job exited with 7"),
            (output.Result.Code, output.Result.ExitCode, output.Result.StdoutBytes, output.Result.StderrBytes, output.Result.Message));
    }

    [Fact(Timeout = Patience)]
    public async Task Text_is_a_jobs_input() =>
        Assert.Equal("één\n", (await jobs.CaptureTextAsync(new JobRequest("cat"), "één\n")).EnsureSuccess().StdoutText);

    [Fact(Timeout = Patience)]
    public async Task More_than_sockets_hold_goes_both_ways()
    {
        byte[] sent = [.. Enumerable.Range(0, 1 << 23).Select(i => (byte)(i * 31 / 7))];
        using var input = new MemoryStream(sent);
        JobOutput output = await jobs.CaptureAsync(new JobRequest("cat"), input);
        Assert.True(output.EnsureSuccess().Stdout.Span.SequenceEqual(sent));
        Assert.Equal(sent.Length, output.Result.StdoutBytes);
    }

    [Fact(Timeout = Patience)]
    public async Task An_exception_is_an_error_with_kind_message_and_errno()
    {
        JobResult result = await jobs.RunAsync(new JobRequest("missing"));
        Assert.Equal((ReplyCode.Error, 1, "not-found: no such mailbox"), (result.Code, result.ExitCode, result.Message));
        Assert.Equal(new JobError("not-found", "no such mailbox", 2), result.Error);
        Assert.Equal(new JobError("System.FormatException", "not a date"), (await jobs.RunAsync(new JobRequest("broken"))).Error);
    }

    [Theory(Timeout = Patience)]
    [InlineData("greet", "", "the argument Name is missing; it must be text")]
    [InlineData("greet", """{"Name":7}""", "the argument Name must be text")]
    [InlineData("greet", """{"Name":"x","Age":7}""", "the job has no argument Age; it has Name")]
    [InlineData("motto", """{"Name":"x"}""", "the job motto takes no arguments")]
    public async Task Arguments_that_do_not_fit_are_refused(string job, string arguments, string message)
    {
        JobOutput output = await jobs.CaptureAsync(new JobRequest(job) { Arguments = Encoding.UTF8.GetBytes(arguments) });
        Assert.Equal((ReplyCode.BadArguments, 1, message), (output.Result.Code, output.Result.ExitCode, output.Result.Message));
        Assert.True(output.Stdout.IsEmpty);
    }

    [Theory(Timeout = Patience)]
    [InlineData("""["World"]""")]
    [InlineData("""{"Name":"x","Name":"y"}""")]
    [InlineData("""{"Name":"x" """)]
    public async Task Arguments_that_no_client_sends_throw(string arguments) => await Assert.ThrowsAsync<RequestException>(
        () => jobs.CaptureAsync(new JobRequest("greet") { Arguments = Encoding.UTF8.GetBytes(arguments) }));

    [Fact]
    public void Words_that_do_not_fit_the_schema_throw()
    {
        Assert.Throws<RequestException>(() => jobs.Request("greet", "Age=7"));
        Assert.Throws<RequestException>(() => jobs.Request("motto", "Name=World"));
        Assert.Throws<ArgumentException>(() => jobs.Request("no-such-job", "Name=World"));
    }

    [Fact(Timeout = Patience)]
    public async Task An_unknown_job_is_refused()
    {
        JobResult result = await jobs.RunAsync(new JobRequest("no-such-job"));
        Assert.Equal((ReplyCode.UnknownJob, null, "no-such-job"), (result.Code, result.ExitCode, result.Job));
    }

    [Fact(Timeout = Patience)]
    public async Task A_request_for_another_user_is_denied_and_the_users_own_is_not()
    {
        Assert.Equal(ReplyCode.Denied, (await jobs.RunAsync(new JobRequest("motto") { User = "no-such-user" })).Code);
        Assert.Equal(ReplyCode.Ok, (await jobs.RunAsync(new JobRequest("motto") { User = jobs.User.Name })).Code);
        string uid = jobs.User.Uid.ToString(CultureInfo.InvariantCulture);
        Assert.Equal(ReplyCode.Ok, (await jobs.RunAsync(new JobRequest("motto") { User = uid })).Code);
    }

    [Fact(Timeout = Patience)]
    public async Task A_job_gets_the_user_that_the_test_chooses()
    {
        var asAlice = new JobTester(SampleJobs.Register) { User = new JobUser("alice", 1000, 1000, [1000], "/home/alice", "/bin/sh") };
        JobOutput output = await asAlice.CaptureAsync(new JobRequest("user") { User = "alice" });
        Assert.Equal("alice 1000", output.EnsureSuccess().StdoutText);
        Assert.Equal(("alice", 1000u), (output.Result.User, output.Result.Uid));
    }

    [Fact(Timeout = Patience)]
    public async Task A_variable_that_the_job_allows_is_there_while_it_runs()
    {
        string? before = Environment.GetEnvironmentVariable("LANG");
        Assert.Equal("xy", await GivenAsync("language", "LANG", "xy"));
        Assert.Equal(before, Environment.GetEnvironmentVariable("LANG"));
        Assert.Equal("less -R", await GivenAsync("pager", "PAGER", "less -R"));
    }

    [Fact(Timeout = Patience)]
    public async Task A_variable_that_the_job_does_not_allow_is_refused()
    {
        var request = new JobRequest("language") { Environment = new Dictionary<string, string> { ["TZ"] = "UTC" } };
        JobResult result = await jobs.RunAsync(request);
        Assert.Equal(
            (ReplyCode.BadArguments, "the job language does not allow the variable \"TZ\"; it allows LANG"), (result.Code, result.Message));
    }

    [Fact(Timeout = Patience)]
    public async Task The_shorter_limit_of_job_and_request_ends_a_job()
    {
        Assert.Equal(ReplyCode.Timeout, (await jobs.RunAsync(new JobRequest("short") { Timeout = TimeSpan.FromHours(1) })).Code);
        JobOutput output = await jobs.CaptureAsync(new JobRequest("patient") { Timeout = TimeSpan.FromMilliseconds(20) });
        Assert.Equal((ReplyCode.Timeout, "the job ran longer than 0.02 s"), (output.Result.Code, output.Result.Message));
    }

    [Fact]
    public void A_description_has_what_the_registration_says()
    {
        JobDescription description = jobs.Describe("language");
        Assert.Equal((JobKind.Text, "LANG"), (description.Kind, Assert.Single(description.Environment)));
        Assert.Equal("object", jobs.Describe("greet").Arguments!.Value.GetProperty("type").GetString());
        Assert.Equal(["motto", "greet", "cat"], jobs.Jobs.Take(3).Select(job => job.Name));
    }

    [Fact]
    public void A_registration_that_the_daemon_refuses_throws()
    {
        Assert.Throws<ArgumentException>(() => new JobTester(collection => collection.Add("no good name", () => "")));
        ArgumentException audited = Assert.Throws<ArgumentException>(
            () => new JobTester(collection => collection.Add("motto", () => "").WithAuditedArguments("path")));
        Assert.StartsWith("the job motto audits the argument \"path\", which it does not have; it has none", audited.Message);
    }

    private async Task<string> GivenAsync(string job, string name, string value) => (await jobs.CaptureAsync(
        new JobRequest(job) { Environment = new Dictionary<string, string> { [name] = value } })).EnsureSuccess().StdoutText;
}

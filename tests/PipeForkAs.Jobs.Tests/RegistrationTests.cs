using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Jobs.Tests;

public class RegistrationTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("7zip")]
    [InlineData("list-directory")]
    [InlineData("Backup.v2_final")]
    public void A_valid_job_name_is_accepted(string name)
    {
        var jobs = new JobCollection();
        Assert.Same(jobs.Add(name, () => ""), jobs.Find(name));
    }

    [Theory]
    [InlineData("")]
    [InlineData("-a")]
    [InlineData(".hidden")]
    [InlineData("a b")]
    [InlineData("a/b")]
    [InlineData("a\n")]
    [InlineData("ä")]
    public void An_invalid_job_name_is_refused(string name) =>
        Assert.Contains("name must be", Assert.Throws<ArgumentException>(() => new JobCollection().Add(name, () => "")).Message);

    [Fact]
    public void A_name_has_at_most_64_characters()
    {
        var jobs = new JobCollection();
        jobs.Add(new string('a', 64), () => "");
        Assert.Throws<ArgumentException>(() => jobs.Add(new string('a', 65), () => ""));
    }

    [Fact]
    public void A_name_can_be_registered_once()
    {
        var jobs = new JobCollection();
        jobs.Add("twice", () => "");
        Assert.Contains("registered twice", Assert.Throws<ArgumentException>(() => jobs.Add("twice", () => "")).Message);
        Assert.Single(jobs.Jobs);
    }

    [Fact]
    public void Only_AllowUnsafeEnvironment_allows_variables_that_change_which_code_runs()
    {
        Job job = new JobCollection().Add("job", () => "");
        Assert.Contains("AllowUnsafeEnvironment",
            Assert.Throws<ArgumentException>(() => job.AllowEnvironment("LANG", "GIT_SSH_COMMAND")).Message);
        Assert.Contains("AllowEnvironment", Assert.Throws<ArgumentException>(() => job.AllowUnsafeEnvironment("LANG")).Message);
        Assert.Contains("cannot be allowed", Assert.Throws<ArgumentException>(() => job.AllowUnsafeEnvironment("LD_PRELOAD")).Message);
        job.AllowUnsafeEnvironment("GIT_SSH_COMMAND", "LESSOPEN");
        Assert.Equal(["GIT_SSH_COMMAND", "LESSOPEN"], job.UnsafeEnvironment);
        Assert.DoesNotContain("GIT_SSH_COMMAND", job.Environment);
    }

    [Fact]
    public void Job_names_are_case_sensitive()
    {
        var jobs = new JobCollection();
        jobs.Add("one", () => "");
        Assert.Null(jobs.Find("One"));
    }

    [Fact]
    public void Jobs_are_listed_in_the_order_of_registration()
    {
        var jobs = new JobCollection();
        jobs.Add("b", () => "");
        jobs.Add("a", () => "");
        Assert.Equal(["b", "a"], jobs.Jobs.Select(job => job.Name));
    }

    [Theory]
    [InlineData("LD_PRELOAD")]
    [InlineData("PATH")]
    [InlineData("HOME")]
    [InlineData("DOTNET_gcServer")]
    [InlineData("IFS")]
    [InlineData("A=B")]
    [InlineData("")]
    [InlineData("1A")]
    public void Forbidden_variables_cannot_be_allowed(string name) =>
        Assert.Throws<ArgumentException>(() => new JobCollection().Add("job", () => "").AllowEnvironment(name));

    [Fact]
    public void Allowed_variables_and_the_description_are_stored()
    {
        Job job = new JobCollection().Add("job", () => "").WithDescription("Does it").AllowEnvironment("LANG", "TZ").WithTimeout(
            TimeSpan.FromSeconds(5));
        Assert.Equal(["LANG", "TZ"], job.Environment);
        Assert.Equal("Does it", job.Description);
        Assert.Equal(TimeSpan.FromSeconds(5), job.Timeout);
    }

    [Fact]
    public void A_description_is_one_line() =>
        Assert.Throws<ArgumentException>(() => new JobCollection().Add("job", () => "").WithDescription("two\nlines"));

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(86_401)]
    public void A_timeout_is_more_than_nothing_and_at_most_a_day(int seconds) =>
        Assert.Throws<ArgumentOutOfRangeException>(
            () => new JobCollection().Add("job", () => "").WithTimeout(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void No_JSON_code_runs_before_a_job_runs()
    {
        Job job = new JobCollection().Add<Answer>("job", () => throw new InvalidOperationException("touched"), _ => "");
        Assert.Throws<InvalidOperationException>(() => TestRun.Of(job));
    }

    [Fact]
    public void The_kind_of_a_job_follows_the_return_type_of_its_function()
    {
        var jobs = new JobCollection();
        Assert.Equal(JobKind.Text, jobs.Add("text", () => "").Kind);
        Assert.Equal(JobKind.Text, jobs.Add("text-of-context", context => context.User.Name).Kind);
        Assert.Equal(JobKind.Text, jobs.Add("text-of-arguments", () => SampleJson.Default.Answer, answer => answer.Text).Kind);
        Assert.Equal(JobKind.Streaming, jobs.Add("streaming", _ => 0).Kind);
        Assert.Equal(JobKind.Streaming, jobs.Add("streaming-async", _ => Task.FromResult(0)).Kind);
        Assert.Equal(JobKind.Streaming, jobs.Add("streaming-of-arguments", () => SampleJson.Default.Answer, (_, _) => 0).Kind);
        Assert.Equal(
            JobKind.Streaming,
            jobs.Add("streaming-of-arguments-async", () => SampleJson.Default.Answer, (_, _) => Task.FromResult(0)).Kind);
        Assert.Equal(
            JobKind.Typed, jobs.Add("typed", () => SampleJson.Default.Answer, () => SampleJson.Default.Answer, answer => answer).Kind);
        Assert.Equal(
            JobKind.Typed,
            jobs.Add(
                "typed-async", () => SampleJson.Default.Answer, () => SampleJson.Default.Answer,
                (answer, _) => Task.FromResult(answer)).Kind);
    }
}

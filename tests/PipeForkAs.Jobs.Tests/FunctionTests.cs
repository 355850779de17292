namespace PipeForkAs.Jobs.Tests;

public class FunctionTests
{
    private readonly JobCollection jobs = new();

    [Fact]
    public void Text_becomes_the_output_unchanged() => Assert.Equal("eggman ä", TestRun.Of(jobs.Add("job", () => "eggman ä")));

    [Fact]
    public void A_result_becomes_one_line_of_JSON() =>
        Assert.Equal("{\"text\":\"a\",\"number\":1}\n", TestRun.Of(
            jobs.Add("job", () => SampleJson.Default.Answer, () => SampleJson.Default.Answer, answer => answer),
            """{"number":1,"text":"a"}"""));

    [Fact]
    public void An_asynchronous_result_becomes_one_line_of_JSON() =>
        Assert.Equal("{\"text\":\"a\",\"number\":2}\n", TestRun.Of(
            jobs.Add("job", () => SampleJson.Default.Answer, () => SampleJson.Default.Answer, async (answer, _) =>
            {
                await Task.Yield();
                return answer with { Number = 2 };
            }), """{"number":1,"text":"a"}"""));

    [Theory]
    [InlineData(0)]
    [InlineData(255)]
    public void An_exit_code_is_passed_on(int code)
    {
        using var run = new TestRun();
        Assert.Equal(code, jobs.Add("job", _ => code).Invoke(run.Context));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(256)]
    public void An_exit_code_is_a_byte(int code)
    {
        using var run = new TestRun();
        Assert.Contains("0 to 255", Assert.Throws<InvalidOperationException>(() => jobs.Add("job", _ => code).Invoke(run.Context)).Message);
    }

    [Fact]
    public void An_exception_of_an_asynchronous_function_is_not_wrapped()
    {
        using var run = new TestRun();
        Job job = jobs.Add("job", async Task<int> (_) =>
        {
            await Task.Yield();
            throw new TimeoutException("too late");
        });
        Assert.Equal("too late", Assert.Throws<TimeoutException>(() => job.Invoke(run.Context)).Message);
    }

    [Fact]
    public void A_function_gets_the_streams_of_the_job()
    {
        using var run = new TestRun(input: "abc");
        jobs.Add("job", context =>
        {
            context.Input.CopyTo(context.Output);
            context.Error.Write("err"u8);
            return 0;
        }).Invoke(run.Context);
        Assert.Equal("abc", run.Output);
        Assert.Equal("err", run.Error);
    }

    [Fact]
    public void A_function_may_read_its_arguments_by_itself()
    {
        using var run = new TestRun("""{"text":"a","number":1}""");
        Assert.Equal(new Answer("a", 1), run.Context.GetArguments(SampleJson.Default.Answer));
        Assert.Equal(1, run.Context.GetArguments().GetProperty("number").GetInt32());
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData(" { } ")]
    public void No_arguments_are_accepted_by_a_job_that_takes_none(string arguments) =>
        Assert.Equal("ok", TestRun.Of(jobs.Add("job", () => "ok"), arguments));

    [Theory]
    [InlineData("""{"a":1}""")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{")]
    public void Arguments_are_refused_by_a_job_that_takes_none(string arguments) =>
        Assert.Contains(
            "takes no arguments", Assert.Throws<JobArgumentsException>(() => TestRun.Of(jobs.Add("job", () => "ok"), arguments)).Message);
}

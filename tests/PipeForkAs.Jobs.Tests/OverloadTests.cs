using System.Reflection;
using System.Text.Json.Serialization.Metadata;

namespace PipeForkAs.Jobs.Tests;

/// <summary>Tests which overload the compiler selects for the code of an author.</summary>
public sealed class OverloadTests
{
    private const BindingFlags All =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private const string Arguments = """{"text":"a","number":7}""";

    private readonly JobCollection jobs = new();

    private static Func<JsonTypeInfo<Answer>> Json { get; } = () => SampleJson.Default.Answer;

    [Fact]
    public void A_lambda_that_only_throws_compiles_and_is_a_text_job()
    {
        Job[] throwing =
        [
            jobs.Add("nothing", () => throw new TimeZoneNotFoundException()),
            jobs.Add("nothing-async", async () =>
            {
                await Task.Yield();
                throw new TimeZoneNotFoundException();
            }),
            jobs.Add("context", _ => throw new TimeZoneNotFoundException()),
            jobs.Add("context-async", async _ =>
            {
                await Task.Yield();
                throw new TimeZoneNotFoundException();
            }),
            jobs.Add("arguments", Json, _ => throw new TimeZoneNotFoundException()),
            jobs.Add("arguments-context", Json, (_, _) => throw new TimeZoneNotFoundException()),
            jobs.Add("arguments-context-async", Json, async (_, _) =>
            {
                await Task.Yield();
                throw new TimeZoneNotFoundException();
            }),
        ];

        Assert.All(throwing, job =>
        {
            Assert.Equal(JobKind.Text, job.Kind);
            Assert.Throws<TimeZoneNotFoundException>(() => TestRun.Of(job, job.ArgumentsSchema() is null ? "" : Arguments));
        });
    }

    [Fact]
    public void A_typed_lambda_that_only_throws_compiles()
    {
        Job[] throwing =
        [
            jobs.Add("typed", Json, Json, _ => throw new TimeZoneNotFoundException()),
            jobs.Add("typed-2", Json, Json, (_, _) => throw new TimeZoneNotFoundException()),
            jobs.Add("typed-async", Json, Json, async (_, _) =>
            {
                await Task.Yield();
                throw new TimeZoneNotFoundException();
            }),
        ];

        Assert.All(throwing, job =>
        {
            Assert.Equal(JobKind.Typed, job.Kind);
            Assert.Throws<TimeZoneNotFoundException>(() => TestRun.Of(job, Arguments));
        });
    }

    [Fact]
    public void Text_comes_from_functions_of_each_kind()
    {
        Job[] plain =
        [
            jobs.Add("a", () => "text"),
            jobs.Add("b", () => Task.FromResult("text")),
            jobs.Add("c", async () => await LaterAsync("text")),
            jobs.Add("d", async (CancellationToken token) => await LaterAsync("text", token)),
            jobs.Add("e", job => job.User.Name == "alice" ? "text" : ""),
            jobs.Add("f", job => LaterAsync(job.User.Name == "alice" ? "text" : "")),
            jobs.Add("g", TakesNothingAsync),
            jobs.Add("h", TakesTokenAsync),
            jobs.Add("i", TakesContextAsync),
        ];
        Assert.All(plain, job => Assert.Equal((JobKind.Text, "text"), (job.Kind, TestRun.Of(job))));

        Job[] withArguments =
        [
            jobs.Add("j", Json, answer => answer.Text),
            jobs.Add("k", Json, answer => LaterAsync(answer.Text)),
            jobs.Add("l", Json, (Answer answer, CancellationToken token) => LaterAsync(answer.Text, token)),
            jobs.Add("m", Json, (answer, job) => job.User.Name == "alice" ? answer.Text : ""),
            jobs.Add("n", Json, async (answer, job) => await LaterAsync(job.User.Name == "alice" ? answer.Text : "")),
        ];
        Assert.All(withArguments, job => Assert.Equal((JobKind.Text, "a"), (job.Kind, TestRun.Of(job, Arguments))));
    }

    [Fact]
    public void Objects_come_from_functions_of_each_kind()
    {
        Job[] typed =
        [
            jobs.Add("a", Json, Json, answer => answer),
            jobs.Add("b", Json, Json, answer => LaterAsync(answer)),
            jobs.Add("c", Json, Json, async answer => await LaterAsync(answer)),
            jobs.Add("d", Json, Json,
                (Answer answer, CancellationToken token) => LaterAsync(answer, token)),
            jobs.Add("e", Json, Json, (answer, job) => job.User.Uid == 1000 ? answer : null!),
            jobs.Add("f", Json, Json, async (answer, job) =>
                await LaterAsync(job.User.Uid == 1000 ? answer : null!)),
        ];
        Assert.All(typed, job => Assert.Equal((JobKind.Typed, Arguments + "\n"), (job.Kind, TestRun.Of(job, Arguments))));
    }

    [Fact]
    public void Exit_codes_come_from_functions_of_each_kind()
    {
        Job[] streaming =
        [
            jobs.Add("a", _ => 0), jobs.Add("b", _ => Task.FromResult(0)), jobs.Add("c", async _ => await LaterAsync(0)),
            jobs.Add("d", Json, (_, _) => 0),
            jobs.Add("e", Json, async (_, _) => await LaterAsync(0)),
        ];
        Assert.All(streaming, job =>
            Assert.Equal((JobKind.Streaming, ""), (job.Kind, TestRun.Of(job, job.ArgumentsSchema() is null ? "" : Arguments))));
    }

    [Fact]
    public void The_token_of_a_function_is_that_of_its_job()
    {
        CancellationToken seen = default;
        Job job = jobs.Add("token", (CancellationToken token) =>
        {
            seen = token;
            return Task.FromResult("");
        });
        using var run = new TestRun();

        job.Invoke(run.Context);

        Assert.True(seen.CanBeCanceled);
        Assert.Equal(run.Context.CancellationToken, seen);
    }

    [Fact]
    public void The_job_API_contains_no_type_of_the_C_library()
    {
        Type[] types = typeof(JobHost).Assembly.GetExportedTypes();

        string[] seen = [.. types.SelectMany(type => type.GetMembers(All)).OfType<MethodBase>()
            .Where(method => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly)
            .SelectMany(method => method.GetParameters().Select(parameter => parameter.ParameterType)
                .Concat(method is MethodInfo { ReturnType: var returned } ? [returned] : []))
            .SelectMany(Parts).Select(type => type.Assembly.GetName().Name!).Distinct()];

        Assert.Contains(typeof(JobHost).Assembly.GetName().Name, seen);
        Assert.DoesNotContain(seen, name => name.Contains("LibC", StringComparison.OrdinalIgnoreCase));
    }

    private static IEnumerable<Type> Parts(Type type) =>
        type.IsGenericType ? type.GetGenericArguments().SelectMany(Parts).Append(type)
        : type.HasElementType ? Parts(type.GetElementType()!)
        : [type];

    private static Task<string> TakesNothingAsync() => LaterAsync("text");

    private static Task<string> TakesTokenAsync(CancellationToken token) => LaterAsync("text", token);

    private static Task<string> TakesContextAsync(JobContext context) => LaterAsync(context.User.Name == "alice" ? "text" : "");

    private static async Task<T> LaterAsync<T>(T value, CancellationToken token = default)
    {
        await Task.Yield();
        token.ThrowIfCancellationRequested();
        return value;
    }
}

using System.Runtime.CompilerServices;
using System.Text.Json.Serialization.Metadata;
using PipeForkAs.Jobs.Registration;
using PipeForkAs.Protocol;

namespace PipeForkAs.Jobs;

/// <summary>The jobs of a job host. The daemon looks up the names in client requests here and nowhere else.</summary>
/// <remarks>
/// The overloads have priorities for a lambda that fits several, such as one that only throws: text before an exit code, a function that
/// returns at once before one that returns a task, and a <see cref="JobContext"/> before a <see cref="CancellationToken"/>.
/// </remarks>
public sealed class JobCollection
{
    private const int TextAtOnce = 3;
    private const int ExitCodeAtOnce = 2;
    private const int TextLater = 1;
    private const int ExitCodeLater = 0;
    private const int OfToken = -1;

    private readonly List<Job> jobs = [];

    /// <summary>The jobs in the order of their registration.</summary>
    public IReadOnlyList<Job> Jobs => jobs;

    /// <summary>Adds a function that returns text, which becomes the job's standard output. It takes no arguments.</summary>
    /// <param name="name">The job's name: 1 to 64 characters of a-z, A-Z, 0-9, '-', '_' and '.', the first a letter or a digit.</param>
    /// <param name="function">The function.</param>
    /// <exception cref="ArgumentException">The name is not valid, or already registered.</exception>
    [OverloadResolutionPriority(TextAtOnce)]
    public Job Add(string name, Func<string> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add(new TextJob(name, _ => function()));
    }

    /// <summary>Adds an asynchronous function that returns text, which becomes the job's standard output. It takes no arguments.</summary>
    /// <inheritdoc cref="Add(string, Func{string})"/>
    [OverloadResolutionPriority(TextLater)]
    public Job Add(string name, Func<Task<string>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add(new TextJob(name, _ => Wait(function())));
    }

    /// <summary>Adds an asynchronous function that returns text and takes the token that SIGTERM cancels
    /// (<see cref="JobContext.CancellationToken"/>).
    /// </summary>
    /// <inheritdoc cref="Add(string, Func{string})"/>
    [OverloadResolutionPriority(OfToken)]
    public Job Add(string name, Func<CancellationToken, Task<string>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add(new TextJob(name, context => Wait(function(context.CancellationToken))));
    }

    /// <summary>Adds a function that returns text and takes its context.</summary>
    /// <inheritdoc cref="Add(string, Func{string})"/>
    [OverloadResolutionPriority(TextAtOnce)]
    public Job Add(string name, Func<JobContext, string> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add(new TextJob(name, function));
    }

    /// <summary>Adds an asynchronous function that returns text and takes its context.</summary>
    /// <inheritdoc cref="Add(string, Func{string})"/>
    [OverloadResolutionPriority(TextLater)]
    public Job Add(string name, Func<JobContext, Task<string>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add(new TextJob(name, context => Wait(function(context))));
    }

    /// <summary>Adds a function that uses the job's streams. It takes no arguments; its result, 0 to 255, is the job's exit code.</summary>
    /// <inheritdoc cref="Add(string, Func{string})"/>
    [OverloadResolutionPriority(ExitCodeAtOnce)]
    public Job Add(string name, Func<JobContext, int> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add(new StreamingJob(name, function));
    }

    /// <summary>Adds an asynchronous function that uses the job's streams. It takes no arguments; its result, 0 to 255, is the job's exit
    /// code.
    /// </summary>
    /// <inheritdoc cref="Add(string, Func{string})"/>
    [OverloadResolutionPriority(ExitCodeLater)]
    public Job Add(string name, Func<JobContext, Task<int>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add(new StreamingJob(name, context => Wait(function(context))));
    }

    /// <summary>Adds a function that takes arguments and returns text, which becomes the job's standard output.</summary>
    /// <typeparam name="TArguments">The arguments: a record whose properties have the arguments' names.</typeparam>
    /// <param name="name">The job's name: 1 to 64 characters of a-z, A-Z, 0-9, '-', '_' and '.', the first a letter or a digit.</param>
    /// <param name="arguments">
    /// Returns the arguments' JSON type information from a <c>JsonSerializerContext</c> of your project, for example <c>() =>
    /// MyJson.Default.MyArguments</c>. It is a function because the first use of JSON fixes the seed of string hashes, and each worker must
    /// have its own seed. The daemon refuses unknown, duplicate and missing arguments.
    /// </param>
    /// <param name="function">The function.</param>
    /// <exception cref="ArgumentException">The name is not valid, or already registered.</exception>
    [OverloadResolutionPriority(TextAtOnce)]
    public Job Add<TArguments>(string name, Func<JsonTypeInfo<TArguments>> arguments, Func<TArguments, string> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        var reader = new ArgumentReader<TArguments>(arguments);
        return Add(new TextJob(name, context => function(reader.Read(context.ArgumentsJson)), reader));
    }

    /// <summary>Adds an asynchronous function that takes arguments and returns text, which becomes the job's standard output.</summary>
    /// <inheritdoc cref="Add{TArguments}(string, Func{JsonTypeInfo{TArguments}}, Func{TArguments, string})"/>
    [OverloadResolutionPriority(TextLater)]
    public Job Add<TArguments>(string name, Func<JsonTypeInfo<TArguments>> arguments, Func<TArguments, Task<string>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        var reader = new ArgumentReader<TArguments>(arguments);
        return Add(new TextJob(name, context => Wait(function(reader.Read(context.ArgumentsJson))), reader));
    }

    /// <summary>Adds an asynchronous function that takes arguments and the token that SIGTERM cancels, and returns text.</summary>
    /// <inheritdoc cref="Add{TArguments}(string, Func{JsonTypeInfo{TArguments}}, Func{TArguments, string})"/>
    [OverloadResolutionPriority(OfToken)]
    public Job Add<TArguments>(
        string name, Func<JsonTypeInfo<TArguments>> arguments, Func<TArguments, CancellationToken, Task<string>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        var reader = new ArgumentReader<TArguments>(arguments);
        return Add(new TextJob(name, context => Wait(function(reader.Read(context.ArgumentsJson), context.CancellationToken)), reader));
    }

    /// <summary>Adds a function that takes arguments and its context, and returns text, which becomes the job's standard output.</summary>
    /// <inheritdoc cref="Add{TArguments}(string, Func{JsonTypeInfo{TArguments}}, Func{TArguments, string})"/>
    [OverloadResolutionPriority(TextAtOnce)]
    public Job Add<TArguments>(string name, Func<JsonTypeInfo<TArguments>> arguments, Func<TArguments, JobContext, string> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        var reader = new ArgumentReader<TArguments>(arguments);
        return Add(new TextJob(name, context => function(reader.Read(context.ArgumentsJson), context), reader));
    }

    /// <summary>Adds an asynchronous function that takes arguments and its context, and returns text.</summary>
    /// <inheritdoc cref="Add{TArguments}(string, Func{JsonTypeInfo{TArguments}}, Func{TArguments, string})"/>
    [OverloadResolutionPriority(TextLater)]
    public Job Add<TArguments>(
        string name, Func<JsonTypeInfo<TArguments>> arguments, Func<TArguments, JobContext, Task<string>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        var reader = new ArgumentReader<TArguments>(arguments);
        return Add(new TextJob(name, context => Wait(function(reader.Read(context.ArgumentsJson), context)), reader));
    }

    /// <summary>Adds a function that takes arguments and uses the job's streams; its result, 0 to 255, is the job's exit code.</summary>
    /// <inheritdoc cref="Add{TArguments}(string, Func{JsonTypeInfo{TArguments}}, Func{TArguments, string})"/>
    [OverloadResolutionPriority(ExitCodeAtOnce)]
    public Job Add<TArguments>(string name, Func<JsonTypeInfo<TArguments>> arguments, Func<TArguments, JobContext, int> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        var reader = new ArgumentReader<TArguments>(arguments);
        return Add(new StreamingJob(name, context => function(reader.Read(context.ArgumentsJson), context), reader));
    }

    /// <summary>Adds an asynchronous function that takes arguments and uses the job's streams; its result, 0 to 255, is the job's exit
    /// code.
    /// </summary>
    /// <inheritdoc cref="Add{TArguments}(string, Func{JsonTypeInfo{TArguments}}, Func{TArguments, string})"/>
    [OverloadResolutionPriority(ExitCodeLater)]
    public Job Add<TArguments>(string name, Func<JsonTypeInfo<TArguments>> arguments, Func<TArguments, JobContext, Task<int>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        var reader = new ArgumentReader<TArguments>(arguments);
        return Add(new StreamingJob(name, context => Wait(function(reader.Read(context.ArgumentsJson), context)), reader));
    }

    /// <summary>Adds a function that takes an arguments record and returns a result record. The worker writes the result to standard output
    /// as one line of JSON.
    /// </summary>
    /// <typeparam name="TArguments">The arguments: a record whose properties have the arguments' names.</typeparam>
    /// <typeparam name="TResult">The result.</typeparam>
    /// <param name="name">The job's name: 1 to 64 characters of a-z, A-Z, 0-9, '-', '_' and '.', the first a letter or a digit.</param>
    /// <param name="arguments">
    /// Returns the arguments' JSON type information from a <c>JsonSerializerContext</c> of your project, for example <c>() =>
    /// MyJson.Default.MyArguments</c>. It is a function because the first use of JSON fixes the seed of string hashes, and each worker must
    /// have its own seed. The daemon refuses unknown, duplicate and missing arguments.
    /// </param>
    /// <param name="result">Returns the result's JSON type information, in the same way.</param>
    /// <param name="function">The function.</param>
    /// <exception cref="ArgumentException">The name is not valid, or already registered.</exception>
    [OverloadResolutionPriority(TextAtOnce)]
    public Job Add<TArguments, TResult>(
        string name, Func<JsonTypeInfo<TArguments>> arguments, Func<JsonTypeInfo<TResult>> result, Func<TArguments, TResult> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return AddTyped(name, arguments, result, (values, _) => function(values));
    }

    /// <summary>Adds an asynchronous function that takes an arguments record and returns a result record.</summary>
    /// <inheritdoc
    /// cref="Add{TArguments, TResult}(string, Func{JsonTypeInfo{TArguments}}, Func{JsonTypeInfo{TResult}}, Func{TArguments, TResult})"/>
    [OverloadResolutionPriority(TextLater)]
    public Job Add<TArguments, TResult>(
        string name, Func<JsonTypeInfo<TArguments>> arguments, Func<JsonTypeInfo<TResult>> result, Func<TArguments, Task<TResult>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return AddTyped(name, arguments, result, (values, _) => Wait(function(values)));
    }

    /// <summary>Adds an asynchronous function that takes an arguments record and the token that SIGTERM cancels, and returns a result
    /// record.
    /// </summary>
    /// <inheritdoc
    /// cref="Add{TArguments, TResult}(string, Func{JsonTypeInfo{TArguments}}, Func{JsonTypeInfo{TResult}}, Func{TArguments, TResult})"/>
    [OverloadResolutionPriority(OfToken)]
    public Job Add<TArguments, TResult>(
        string name, Func<JsonTypeInfo<TArguments>> arguments, Func<JsonTypeInfo<TResult>> result,
        Func<TArguments, CancellationToken, Task<TResult>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return AddTyped(name, arguments, result, (values, context) => Wait(function(values, context.CancellationToken)));
    }

    /// <summary>Adds a function that takes an arguments record and its context, and returns a result record.</summary>
    /// <inheritdoc
    /// cref="Add{TArguments, TResult}(string, Func{JsonTypeInfo{TArguments}}, Func{JsonTypeInfo{TResult}}, Func{TArguments, TResult})"/>
    [OverloadResolutionPriority(TextAtOnce)]
    public Job Add<TArguments, TResult>(
        string name, Func<JsonTypeInfo<TArguments>> arguments, Func<JsonTypeInfo<TResult>> result,
        Func<TArguments, JobContext, TResult> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return AddTyped(name, arguments, result, function);
    }

    /// <summary>Adds an asynchronous function that takes an arguments record and its context, and returns a result record.</summary>
    /// <inheritdoc
    /// cref="Add{TArguments, TResult}(string, Func{JsonTypeInfo{TArguments}}, Func{JsonTypeInfo{TResult}}, Func{TArguments, TResult})"/>
    [OverloadResolutionPriority(TextLater)]
    public Job Add<TArguments, TResult>(
        string name, Func<JsonTypeInfo<TArguments>> arguments, Func<JsonTypeInfo<TResult>> result,
        Func<TArguments, JobContext, Task<TResult>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return AddTyped(name, arguments, result, (values, context) => Wait(function(values, context)));
    }

    /// <summary>Finds the job with this name; null if there is none.</summary>
    /// <param name="name">The job's name, case-sensitive.</param>
    public Job? Find(string name)
    {
        foreach (Job job in jobs)
        {
            if (string.Equals(job.Name, name, StringComparison.Ordinal))
                return job;
        }

        return null;
    }

    private static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();

    private Job AddTyped<TArguments, TResult>(
        string name,
        Func<JsonTypeInfo<TArguments>> arguments,
        Func<JsonTypeInfo<TResult>> result,
        Func<TArguments, JobContext, TResult> function) =>
        Add(new TypedJob<TArguments, TResult>(name, new ArgumentReader<TArguments>(arguments), result, function));

    private Job Add(Job job)
    {
        if (!JobName.IsValid(job.Name))
            throw new ArgumentException($"a job's name must be {JobName.Rule}; \"{job.Name}\" is not", nameof(job));
        if (Find(job.Name) is not null)
            throw new ArgumentException($"the job \"{job.Name}\" is registered twice", nameof(job));
        jobs.Add(job);
        return job;
    }
}

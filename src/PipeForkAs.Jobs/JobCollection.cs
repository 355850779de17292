using System.Text.Json.Serialization.Metadata;
using PipeForkAs.Jobs.Registration;
using PipeForkAs.Protocol;

namespace PipeForkAs.Jobs;

/// <summary>The jobs that a job host holds. A client's name is looked up here and nowhere else.</summary>
public sealed class JobCollection
{
    private readonly List<Job> jobs = [];

    /// <summary>The jobs in the order of their registration.</summary>
    public IReadOnlyList<Job> Jobs => jobs;

    /// <summary>Adds a function that returns text, which becomes the job's standard output. It takes no arguments.</summary>
    /// <param name="name">The job's name: 1 to 64 characters of a-z, A-Z, 0-9, '-', '_' and '.', the first a letter or a digit.</param>
    /// <param name="function">The function.</param>
    /// <exception cref="ArgumentException">The name is not valid or taken.</exception>
    public Job Add(string name, Func<string> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add(new TextJob(name, _ => function()));
    }

    /// <summary>Adds a function that returns text and wants to know its context.</summary>
    /// <inheritdoc cref="Add(string, Func{string})"/>
    public Job Add(string name, Func<JobContext, string> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add(new TextJob(name, function));
    }

    /// <summary>Adds a function over the job's streams. It takes no arguments; what it returns, 0 to 255, is the job's exit code.</summary>
    /// <inheritdoc cref="Add(string, Func{string})"/>
    public Job Add(string name, Func<JobContext, int> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add(new StreamingJob(name, function));
    }

    /// <summary>Adds an asynchronous function over the job's streams. It takes no arguments; what it returns, 0 to 255, is the job's exit code.</summary>
    /// <inheritdoc cref="Add(string, Func{string})"/>
    public Job Add(string name, Func<JobContext, Task<int>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add(new StreamingJob(name, context => function(context).GetAwaiter().GetResult()));
    }

    /// <summary>Adds a function that takes arguments and returns text, which becomes the job's standard output.</summary>
    /// <typeparam name="TArguments">The arguments: a record whose properties are the arguments' names.</typeparam>
    /// <param name="name">The job's name.</param>
    /// <param name="arguments">
    /// The arguments' JSON from a <c>JsonSerializerContext</c> of your project, for example <c>() => MyJson.Default.MyArguments</c>: a
    /// function, since the first touch of JSON fixes the seed of string hashes, which is each worker's own. Unknown, duplicate and missing arguments are refused.
    /// </param>
    /// <param name="function">The function.</param>
    /// <exception cref="ArgumentException">The name is not valid or taken.</exception>
    public Job Add<TArguments>(string name, Func<JsonTypeInfo<TArguments>> arguments, Func<TArguments, string> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        var reader = new ArgumentReader<TArguments>(arguments);
        return Add(new TextJob(name, context => function(reader.Read(context.ArgumentsJson)), reader));
    }

    /// <summary>Adds a function over the job's streams that takes arguments; what it returns, 0 to 255, is the job's exit code.</summary>
    /// <typeparam name="TArguments">The arguments: a record whose properties are the arguments' names.</typeparam>
    /// <param name="name">The job's name.</param>
    /// <param name="arguments">
    /// The arguments' JSON from a <c>JsonSerializerContext</c> of your project, for example <c>() => MyJson.Default.MyArguments</c>: a
    /// function, since the first touch of JSON fixes the seed of string hashes, which is each worker's own. Unknown, duplicate and missing arguments are refused.
    /// </param>
    /// <param name="function">The function.</param>
    /// <exception cref="ArgumentException">The name is not valid or taken.</exception>
    public Job Add<TArguments>(string name, Func<JsonTypeInfo<TArguments>> arguments, Func<TArguments, JobContext, int> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        var reader = new ArgumentReader<TArguments>(arguments);
        return Add(new StreamingJob(name, context => function(reader.Read(context.ArgumentsJson), context), reader));
    }

    /// <summary>Adds an asynchronous function over the job's streams that takes arguments; what it returns, 0 to 255, is the job's exit code.</summary>
    /// <inheritdoc cref="Add{TArguments}(string, Func{JsonTypeInfo{TArguments}}, Func{TArguments, JobContext, int})"/>
    public Job Add<TArguments>(string name, Func<JsonTypeInfo<TArguments>> arguments, Func<TArguments, JobContext, Task<int>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add<TArguments>(name, arguments, (values, context) => function(values, context).GetAwaiter().GetResult());
    }

    /// <summary>Adds a function from an arguments record to a result record, which is written to standard output as one line of JSON.</summary>
    /// <typeparam name="TArguments">The arguments: a record whose properties are the arguments' names.</typeparam>
    /// <typeparam name="TResult">The result.</typeparam>
    /// <param name="name">The job's name.</param>
    /// <param name="arguments">
    /// The arguments' JSON from a <c>JsonSerializerContext</c> of your project, for example <c>() => MyJson.Default.MyArguments</c>: a
    /// function, since the first touch of JSON fixes the seed of string hashes, which is each worker's own. Unknown, duplicate and missing arguments are refused.
    /// </param>
    /// <param name="result">The result's JSON, in the same way.</param>
    /// <param name="function">The function.</param>
    /// <exception cref="ArgumentException">The name is not valid or taken.</exception>
    public Job Add<TArguments, TResult>(
        string name, Func<JsonTypeInfo<TArguments>> arguments, Func<JsonTypeInfo<TResult>> result, Func<TArguments, JobContext, TResult> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add(new TypedJob<TArguments, TResult>(name, new ArgumentReader<TArguments>(arguments), result, function));
    }

    /// <inheritdoc cref="Add{TArguments, TResult}(string, Func{JsonTypeInfo{TArguments}}, Func{JsonTypeInfo{TResult}}, Func{TArguments, JobContext, TResult})"/>
    public Job Add<TArguments, TResult>(
        string name, Func<JsonTypeInfo<TArguments>> arguments, Func<JsonTypeInfo<TResult>> result, Func<TArguments, TResult> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add<TArguments, TResult>(name, arguments, result, (values, _) => function(values));
    }

    /// <summary>Adds an asynchronous function from an arguments record to a result record, which is written to standard output as one line of JSON.</summary>
    /// <inheritdoc cref="Add{TArguments, TResult}(string, Func{JsonTypeInfo{TArguments}}, Func{JsonTypeInfo{TResult}}, Func{TArguments, JobContext, TResult})"/>
    public Job Add<TArguments, TResult>(
        string name, Func<JsonTypeInfo<TArguments>> arguments, Func<JsonTypeInfo<TResult>> result, Func<TArguments, JobContext, Task<TResult>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add<TArguments, TResult>(name, arguments, result, (values, context) => function(values, context).GetAwaiter().GetResult());
    }

    /// <summary>The job of that name, or null.</summary>
    public Job? Find(string name)
    {
        foreach (Job job in jobs)
        {
            if (string.Equals(job.Name, name, StringComparison.Ordinal))
                return job;
        }

        return null;
    }

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

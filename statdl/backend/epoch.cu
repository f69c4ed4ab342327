// One epoch of training of a small dense network in one launch of one block of threads.
//
// For every batch of rows, in the order given: their inputs are gathered, taken forwards through
// the layers and backwards again, and every parameter takes its step, all without leaving the
// multiprocessor. The plain path of statdl (model/feedforward.py, model/kernel.py, solve/rule.py)
// computes the same, and is the oracle of its tests.
//
// A thread owns whole sums, so that nothing is added atomically and a run repeats to the last bit:
//   forwards   one value of one unit for one row            z = b + sum_k W_jk a_k
//   backwards  one slope of one unit for one row            sum_j delta_j W_jk, times f'
//   step       one parameter                                sum over rows of delta_j a_k, then moved
// Threads wait for each other between these. Any number of them will do.
//
// statdl/backend/epoch.py writes in front of this text
//   typedef float T
//   SOFTMAX        1 where the rows of eta meet in a softmax whose reference is 0, else 0
//   slope_of       the slope of one row's loss in one eta, where SOFTMAX is 0
//   take_step      what a rule makes of a parameter, its memory and its gradient
// and gives these arrays, of float where nothing else is said:
//   parameters     (size), moved in place: tables [b | W], one row a unit, layer after layer
//   first, second  (size), the rule's memory, in place; 0 where it has none
//   gradient       (size), filled with that of the last batch
//   X, y           (rows, inputs), (rows, outputs), in the order of the data
//   weights        (rows), relative, of mean 1; 0 for none
//   offset         (rows, offsets); 0 for none
//   order          (rows), integers of 64 bits: the order in which rows are taken
//   decayed        (size), 1 where the rule's own weight decay acts, else 0
//   penalty        (size), the penalty's gradient per parameter and unit of weight; 0 for none
//   numbers        (batches, NUMBERS), those of each step of the rule
//   eta            (rows, outputs), filled in the order of the epoch, as it was when it was used
//   scratch        room in the card's memory where shared memory is too small, else 0
//   layers         (depth, 6), integers: where the table starts, inputs, outputs, activation, where
//                  in the room the inputs are, and where the slopes of the outputs
// The room holds the parameters, then what the layers' columns say.

#define FIELDS 6

__device__ __forceinline__ float value_of(const int activation, const float z)
{
    switch (activation) {
        case 1: return z > 0.0f ? z : (z != z ? z : 0.0f);
        case 2: return tanhf(z);
        case 3: return 1.0f / (1.0f + expf(-z));
        default: return z;
    }
}

// The gradient in a unit's score from g, that in its value a.
__device__ __forceinline__ float through(const int activation, const float a, const float g)
{
    switch (activation) {
        case 1: return a > 0.0f ? g : 0.0f;
        case 2: return g * (1.0f - a * a);
        case 3: return g * (a * (1.0f - a));
        default: return g;
    }
}

extern "C" __global__ void statdl_epoch(
    float* parameters, float* first, float* second, float* gradient,
    const float* X, const float* y, const float* weights, const float* offset,
    const long long* order, const float* decayed, const float* penalty, const float* numbers,
    float* eta, float* scratch, const int* layers,
    int depth, int intercept, int size, int rows, int batch, int offsets)
{
    extern __shared__ float shared[];
    float* const room = scratch ? scratch : shared;
    float* const w = room;
    const int thread = threadIdx.x, threads = blockDim.x;
    const int* const top = layers + FIELDS * (depth - 1);
    const int inputs = layers[1], outputs = top[2];

    for (int i = thread; i < size; i += threads) w[i] = parameters[i];

    for (int begin = 0, step = 0; begin < rows; begin += batch, ++step) {
        const int many = rows - begin < batch ? rows - begin : batch;
        const bool last = begin + batch >= rows;

        float* const x = room + layers[4];
        for (int i = thread; i < many * inputs; i += threads)
            x[i] = X[order[begin + i / inputs] * inputs + i % inputs];
        __syncthreads();

        // forwards; what leaves the last layer is eta
        for (int l = 0; l < depth; ++l) {
            const int* const layer = layers + FIELDS * l;
            const bool hidden = l + 1 < depth;
            const int in = layer[1], out = layer[2], columns = in + intercept;
            const float* const from = room + layer[4];
            float* const to = room + (hidden ? layer[FIELDS + 4] : layer[5]);
            for (int i = thread; i < many * out; i += threads) {
                const float* const row = w + layer[0] + (i % out) * columns;
                const float* const a = from + (i / out) * in;
                float z = intercept ? row[0] : 0.0f;
                for (int k = 0; k < in; ++k) z += row[intercept + k] * a[k];
                to[i] = hidden ? value_of(layer[3], z) : z;
            }
            __syncthreads();
        }

        // from eta to the slopes of the mean loss
        float* const slope = room + top[5];
        const float share = 1.0f / many;
        for (int i = thread; i < many * outputs; i += threads) {
            const int row = i / outputs, k = i % outputs;
            if (offset)
                slope[i] += offset[order[begin + row] * offsets + (offsets == 1 ? 0 : k)];
            eta[(long long)begin * outputs + i] = slope[i];
#if !SOFTMAX
            const float factor = weights ? weights[order[begin + row]] * share : share;
            slope[i] = slope_of(slope[i], y[order[begin + row] * outputs + k]) * factor;
#endif
        }
        __syncthreads();
#if SOFTMAX
        for (int b = thread; b < many; b += threads) {
            float* const own = slope + b * outputs;
            const float* const seen = y + order[begin + b] * outputs;
            const float factor = weights ? weights[order[begin + b]] * share : share;
            float largest = 0.0f;
            for (int k = 0; k < outputs; ++k) largest = own[k] > largest ? own[k] : largest;
            float total = expf(-largest);
            for (int k = 0; k < outputs; ++k) total += expf(own[k] - largest);
            for (int k = 0; k < outputs; ++k)
                own[k] = (expf(own[k] - largest) / total - seen[k]) * factor;
        }
        __syncthreads();
#endif

        // backwards, with the weights as they were
        for (int l = depth - 1; l > 0; --l) {
            const int* const layer = layers + FIELDS * l;
            const int in = layer[1], out = layer[2], columns = in + intercept;
            const float* const a = room + layer[4];
            const float* const delta = room + layer[5];
            float* const before = room + layer[5 - FIELDS];
            const int activation = layer[3 - FIELDS];
            for (int i = thread; i < many * in; i += threads) {
                const float* const own = delta + (i / in) * out;
                const float* const column = w + layer[0] + intercept + i % in;
                float g = 0.0f;
                for (int j = 0; j < out; ++j) g += own[j] * column[j * columns];
                before[i] = through(activation, a[i], g);
            }
            __syncthreads();
        }

        // every parameter takes its step
        for (int l = 0; l < depth; ++l) {
            const int* const layer = layers + FIELDS * l;
            const int in = layer[1], out = layer[2], columns = in + intercept;
            const float* const a = room + layer[4];
            const float* const delta = room + layer[5];
            for (int i = thread; i < out * columns; i += threads) {
                const int j = i / columns, k = i % columns - intercept, at = layer[0] + i;
                float g = 0.0f;
                if (k < 0)
                    for (int b = 0; b < many; ++b) g += delta[b * out + j];
                else
                    for (int b = 0; b < many; ++b) g += delta[b * out + j] * a[b * in + k];
                if (penalty) g += penalty[at] * w[at];
                if (last) gradient[at] = g;
                float moved = w[at], m = first ? first[at] : 0.0f, s = second ? second[at] : 0.0f;
                take_step(moved, m, s, g, decayed[at], numbers + NUMBERS * step);
                w[at] = moved;
                if (first) first[at] = m;
                if (second) second[at] = s;
            }
        }
        __syncthreads();
    }

    for (int i = thread; i < size; i += threads) parameters[i] = w[i];
}

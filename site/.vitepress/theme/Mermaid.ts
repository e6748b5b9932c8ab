// A picture from its Mermaid text, drawn by the browser, and again when the light goes on or off.
import { useData } from 'vitepress'
import { defineComponent, h, onMounted, ref, useId, watch } from 'vue'

export default defineComponent({
  props: { code: { type: String, required: true } },
  setup(props) {
    if (import.meta.env.SSR) return () => h('div', { class: 'mermaid-picture' })
    const { isDark } = useData()
    const id = `mermaid-${useId()}`
    const svg = ref('')
    async function draw() {
      const { default: mermaid } = await import('mermaid')
      mermaid.initialize({ startOnLoad: false, theme: isDark.value ? 'dark' : 'neutral' })
      svg.value = (await mermaid.render(id, decodeURIComponent(props.code))).svg
    }
    onMounted(draw)
    watch(isDark, draw)
    const width = () => Number(/max-width: ([\d.]+)px/.exec(svg.value)?.[1])
    return () =>
      h('div', {
        class: 'mermaid-picture',
        style: `--least: ${0.6 * width()}px`,
        innerHTML: svg.value,
      })
  },
})

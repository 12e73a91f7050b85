import { Empty } from '../ui';
import { Page } from '../shell';
import { t } from '../text';
import { h } from '../view';
export const page: Page = { view: () => <Empty icon="info" title={t('state.absent')} text={t('state.absent_text')} /> };
